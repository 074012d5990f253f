"""Tools without effects, run for a turn that is not surely over, and what they found.

The result is for the same call of the same turn, once it is sure; what nobody came for is forgotten, and
cancelled if it is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ari_bridge.conversation.line.jobs import Did
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.core.messages import ToolCall
from ari_bridge.tools.arguments import canonical


@dataclass(frozen=True, slots=True)
class _Run:
    did: asyncio.Future[Did]
    task: asyncio.Task[None]


class EarlyRuns:
    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._runs: dict[tuple[str, str], _Run] = {}

    def begin(self, call: ToolCall, work: Callable[[], Awaitable[Did]]) -> None:
        did: asyncio.Future[Did] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            try:
                did.set_result(await work())
            finally:
                did.cancel()

        if _key(call) not in self._runs:
            self._runs[_key(call)] = _Run(did, self._tasks.start(run))

    def take(self, call: ToolCall) -> asyncio.Future[Did] | None:
        """What comes of it; None where it was not begun."""
        run = self._runs.pop(_key(call), None)
        return None if run is None else run.did

    def forget(self) -> None:
        runs, self._runs = self._runs, {}
        for run in runs.values():
            run.task.cancel()


def _key(call: ToolCall) -> tuple[str, str]:
    return call.name, canonical(call.arguments)
