"""A desk for actions without a call: the PBX notes what it is asked for, and keys come from a list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from ari_bridge.actions.base import ActionContext, Desk
from tests.conversation.fakes import FakeControl


class GivenKeys:
    """(seconds to wait, key), one after the other; then none."""

    def __init__(self, keys: Sequence[tuple[float, str]]) -> None:
        self._keys = list(keys)

    async def next(self) -> str:
        if not self._keys:
            await asyncio.Event().wait()
        delay_s, key = self._keys.pop(0)
        await asyncio.sleep(delay_s)
        return key


class FakeTalk:
    def __init__(self, keys: Sequence[tuple[float, str]] = (), *, asking_s: float = 0.0) -> None:
        self.given = GivenKeys(keys)
        self.secret: bool | None = None
        self._asking_s = asking_s

    async def words_heard(self) -> None:
        await asyncio.sleep(self._asking_s)

    async def put_aside(self) -> None: ...

    def take_back(self) -> None: ...

    async def say(self, text: str) -> None: ...

    @contextmanager
    def keys(self, *, secret: bool) -> Iterator[GivenKeys]:
        self.secret = secret
        yield self.given

    def at_limit(self, limit_s: float, work: Callable[[], Awaitable[None]]) -> None: ...

    def set_pace(self, pace: float) -> None: ...

    def switch_language(self, language: str) -> None: ...

    def last_words(self) -> str:
        return ""

    def recall(self) -> None: ...

    async def recalled(self) -> None:
        await asyncio.Event().wait()


def desk(context: ActionContext, keys: Sequence[tuple[float, str]] = (), *, asking_s: float = 0.0) -> Desk:
    return Desk(context, FakeControl(), FakeTalk(keys, asking_s=asking_s))
