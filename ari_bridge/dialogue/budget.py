"""The history within a budget of tokens: old turns are summarised, the newest stay word for word.

    system │ summary │ turn  turn  turn │ turn  turn  turn
           └────── to be summarised ────┘ └─── verbatim ──┘

A *turn* here is what one caller message brought about: it, the tools that ran for it with their results, and
the agent's words, up to the next caller message. Turns are never torn apart, since a model that reads a tool
call without its result, or the reverse, refuses the whole history.

When the history has grown past the budget, enough old turns go to bring it down to `LOW_WATER` of it: each
summary costs a request to a model, so it has to last for a while.

Tokens are estimated, since every model counts its own: four characters of English make about one token, and
a message some four more (OpenAI, "What are tokens and how to count them?" and the cookbook's "How to count
tokens with tiktoken"). A model with another arithmetic brings its own `Estimate`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ari_bridge.core.messages import Message, Role

Estimate: TypeAlias = Callable[[Message], int]

CHARS_A_TOKEN = 4
TOKENS_A_MESSAGE = 4
LOW_WATER = 0.6
KEPT_TURNS_MIN = 2
SUMMARY_HEADING = "Summary of the conversation so far:"
SUMMARY_REQUEST = (
    "Summarise this part of a telephone conversation for the agent who goes on with it: what the caller "
    "wants, names, numbers and dates word for word, what was promised and done. At most {words} words."
)


def estimated_tokens(message: Message) -> int:
    """What a message costs, roughly."""
    chars = len(message.text)
    for call in message.tool_calls:
        chars += len(call.name) + len(json.dumps(dict(call.arguments), ensure_ascii=False, default=str))
    return TOKENS_A_MESSAGE + math.ceil(chars / CHARS_A_TOKEN)


def total_tokens(messages: Iterable[Message], estimate: Estimate = estimated_tokens) -> int:
    return sum(estimate(message) for message in messages)


@dataclass(frozen=True, slots=True)
class Fold:
    """Where a history is to be folded: messages[first:last] become a summary."""

    first: int
    """After the system messages and an earlier summary's place."""
    last: int

    def folded(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        return tuple(messages[self.first : self.last])

    def with_summary(self, messages: Sequence[Message], summary: str) -> tuple[Message, ...]:
        """The history with `summary` in their place; where it is empty they are just left out."""
        middle = (summary_message(summary),) if summary.strip() else ()
        return (*messages[: self.first], *middle, *messages[self.last :])


def summary_message(summary: str) -> Message:
    return Message(Role.SYSTEM, f"{SUMMARY_HEADING} {summary.strip()}")


def fold(
    messages: Sequence[Message],
    budget_tokens: int,
    *,
    tools_tokens: int = 0,
    keep_turns: int = KEPT_TURNS_MIN,
    estimate: Estimate = estimated_tokens,
) -> Fold | None:
    """What to summarise so that `messages` keep within `budget_tokens`; None while they do.

    `tools_tokens`: what the tools' descriptions take of the budget. The last `keep_turns` turns are never
    folded, so a single turn larger than the budget stays. A summary made before is folded in with the turns
    after it: whoever summarises reads it too.
    """
    room = budget_tokens - tools_tokens
    if total_tokens(messages, estimate) <= room:
        return None
    first = next((i for i, m in enumerate(messages) if not _is_fixed(m)), len(messages))
    starts = list(_turn_starts(messages, first))
    excess = total_tokens(messages, estimate) - math.floor(room * LOW_WATER)
    last = first
    for start in starts[1 : max(1, len(starts) - keep_turns + 1)]:
        if total_tokens(messages[first:last], estimate) >= excess:
            break
        last = start
    return Fold(first, last) if last > first else None


def summary_request(messages: Sequence[Message], where: Fold, *, words: int = 120) -> tuple[Message, ...]:
    """What to ask a model for the summary of `where`: plain text, so that no tool call of it is repeated."""
    lines = "\n".join(_line(message) for message in where.folded(messages))
    return (Message(Role.SYSTEM, SUMMARY_REQUEST.format(words=words)), Message(Role.CALLER, lines))


def _is_fixed(message: Message) -> bool:
    return message.role is Role.SYSTEM and not message.text.startswith(SUMMARY_HEADING)


def _turn_starts(messages: Sequence[Message], first: int) -> Iterator[int]:
    """Where a turn begins, the first message after the fixed ones counting as one: each caller message that
    follows something else, once every tool that was called before it has its result."""
    owed: set[str] = set()
    for index in range(first, len(messages)):
        message = messages[index]
        if index == first or (
            message.role is Role.CALLER and not owed and messages[index - 1].role is not Role.CALLER
        ):
            yield index
        owed |= {call.call_id for call in message.tool_calls}
        owed.discard(message.tool_call_id)


def _line(message: Message) -> str:
    tools = "".join(
        f" [calls {call.name} {json.dumps(dict(call.arguments), default=str)}]" for call in message.tool_calls
    )
    return f"{message.role.value}: {message.text}{tools}"
