"""The history as a model gets it: within a budget, with its oldest turns summarised by the model itself.

A summary is asked for in the background once the budget is passed, and the model goes on with the whole
history until it is there: no turn waits for it. Should it never come, the old turns are left out at
`HARD_LIMIT` times the budget.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing

from ari_bridge.conversation.cascade.streams import stubborn
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role
from ari_bridge.dialogue.budget import Fold, fold, summary_message, summary_request, total_tokens
from ari_bridge.providers.base import LanguageModel, TextDelta

log = logging.getLogger(__name__)

HARD_LIMIT = 1.5


class Context:
    def __init__(self, llm: LanguageModel, budget_tokens: int | None, tasks: Tasks) -> None:
        """`budget_tokens`: None for no limit."""
        self._llm, self._budget_tokens = llm, budget_tokens
        self._tasks = tasks
        self._summary = ""
        self._covered = 0
        """So many messages, after those of the system, are in the summary."""
        self._is_summarising = False

    def of(self, history: Sequence[Message]) -> Sequence[Message]:
        """What the model is to get of `history`, which only ever grows or changes at its end."""
        if self._budget_tokens is None:
            return history
        messages = self._with_summary(history)
        where = fold(messages, self._budget_tokens)
        if where is None:
            return messages
        if not self._is_summarising:
            self._is_summarising = True
            self._tasks.start(self._summarise, messages, where)
        is_far_too_much = total_tokens(messages) > HARD_LIMIT * self._budget_tokens
        return where.with_summary(messages, self._summary) if is_far_too_much else messages

    def _with_summary(self, history: Sequence[Message]) -> Sequence[Message]:
        if not self._covered:
            return history
        first = next((i for i, message in enumerate(history) if message.role is not Role.SYSTEM), 0)
        return (*history[:first], summary_message(self._summary), *history[first + self._covered :])

    async def _summarise(self, messages: Sequence[Message], where: Fold) -> None:
        summary = ""
        try:
            stream = stubborn(lambda: self._llm.reply(summary_request(messages, where), ()))
            async with aclosing(stream) as deltas:
                summary = "".join([delta.text async for delta in deltas if isinstance(delta, TextDelta)])
        except ProviderError as error:
            log.warning("summary of the conversation: %s", error)
        finally:
            self._is_summarising = False
        if summary.strip():
            earlier = 1 if self._covered else 0  # the summary before is one of the messages
            self._covered += where.last - where.first - earlier
            self._summary = summary
