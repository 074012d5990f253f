"""What is done with a call on somebody's word: the agent's tools, and the verbs of people from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from ari_bridge.actions.base import Talk
from ari_bridge.conversation.line.early import EarlyRuns
from ari_bridge.conversation.line.jobs import Did
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.conversation.line.toolbox import Toolbox
from ari_bridge.core.messages import ToolCall
from ari_bridge.pbx.call import Outcome


class ToolReturned(Protocol):
    def __call__(self, call: ToolCall, result: str, *, decides_outcome: bool) -> None: ...


class Errands:
    def __init__(
        self,
        toolbox: Toolbox,
        talk: Talk,
        tasks: Tasks,
        returned: ToolReturned,
        end: Callable[[Outcome], None],
    ) -> None:
        self._toolbox, self._talk = toolbox, talk
        self._tasks = tasks
        self._returned, self._end = returned, end
        self._early = EarlyRuns(tasks)

    @property
    def verbs(self) -> Collection[str]:
        return self._toolbox.names

    @property
    def decided(self) -> Outcome | None:
        """How the call leaves, if the agent has decided it."""
        return None if self._toolbox.outcome is None else self._toolbox.outcome.outcome

    def run_tool(self, call: ToolCall, after_turn: int) -> None:
        """For the agent; `after_turn`: how many turns were finished before."""
        self._tasks.start(self._run_tool, call, after_turn, self._early.take(call))

    def run_early(self, call: ToolCall) -> None:
        """For a turn of the caller's that is not surely over, if it has no effects. What is found is kept for
        run_tool."""
        work = self._toolbox.early(call)
        if work is not None:
            self._early.begin(call, work)

    def forget_early(self) -> None:
        """That turn went on: what was run for it was run in vain."""
        self._early.forget()

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str:
        """For somebody else; what came of it, or that the call has ended meanwhile."""
        said = ["The call has ended."]
        await asyncio.wait({self._tasks.start(self._act, verb, arguments, said)})
        return said[-1]

    async def _run_tool(self, call: ToolCall, after_turn: int, early: asyncio.Future[Did] | None) -> None:
        result = await self._toolbox.run_for_agent(call, after_turn, early)
        if result.outcome is not None and result.at_once:
            self._end(result.outcome)
        self._returned(call, result.result, decides_outcome=result.outcome is not None)

    async def _act(self, verb: str, arguments: Mapping[str, Any], said: list[str]) -> None:
        result = await self._toolbox.run(verb, arguments)
        said.append(result.result)
        if result.outcome is not None:
            if not result.at_once:
                await self._talk.words_heard()  # at once where nobody hears them
            self._end(result.outcome)
