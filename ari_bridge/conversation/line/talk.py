"""The conversation as actions may touch it: put aside, spoken past, its caller's keys diverted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from enum import Enum, auto

from ari_bridge.conversation.line.dialogue import Dialogue
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.dialogue.log import Who
from ari_bridge.dialogue.sentences import sentences_of
from ari_bridge.media.plane import MediaPort

SECRET_TAIL_S = 3.0
"""Keys that follow secret ones this closely belong to them: the caller types on after the input has ended."""

TAIL_S = 0.1
"""The agent's last words have left us, but are still on their way through the PBX."""


class KeyUse(Enum):
    FREE = auto()
    """The dialogue's."""
    TAKEN = auto()
    """Somebody else's, but no secret."""
    SECRET = auto()
    """Nothing may be kept of it."""


class DivertedKeys:
    def __init__(self, *, secret: bool) -> None:
        self.secret = secret
        self.queue: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        return await self.queue.get()


class CallTalk:
    """An `actions.base.Talk`."""

    def __init__(self, dialogue: Dialogue, port: MediaPort, tasks: Tasks) -> None:
        self._dialogue = dialogue
        self._port, self._tasks = port, tasks
        self._keys: DivertedKeys | None = None
        self._recall = asyncio.Event()
        self._limit: asyncio.Task[None] | None = None
        self._held = False
        """The dialogue stands still because the caller holds."""
        self.aside = False
        """The dialogue stands still."""
        self._agent_may_speak = asyncio.Event()
        self._agent_may_speak.set()
        self._secret_until_s = 0.0

    # -------------------------------------------------------------- for the line

    async def agent_may_speak(self) -> None:
        """Until there is somebody to hear what the agent says next."""
        await self._agent_may_speak.wait()

    def take_key(self, digit: str) -> KeyUse:
        """What the dialogue may have of a key that was pressed."""
        now_s = asyncio.get_running_loop().time()
        if self._keys is not None:
            self._keys.queue.put_nowait(digit)
            return KeyUse.SECRET if self._keys.secret else KeyUse.TAKEN
        if now_s < self._secret_until_s:
            self._secret_until_s = now_s + SECRET_TAIL_S
            return KeyUse.SECRET
        return KeyUse.TAKEN if self.aside else KeyUse.FREE

    def caller_held(self) -> None:
        """The caller's telephone put us on hold: the agent falls silent at once, and goes on after it."""
        if not self.aside:
            self.aside = self._held = True
            self._dialogue.stand_aside(True)
            self._silence_agent()

    def caller_back(self) -> None:
        if self._held:
            self._held = False
            self.take_back()

    # -------------------------------------------------------------- Talk

    async def words_heard(self) -> None:
        if self._agent_may_speak.is_set():
            await self._dialogue.words_heard()
            await asyncio.sleep(TAIL_S)

    async def put_aside(self) -> None:
        if self.aside:
            return
        self.aside = True
        self._dialogue.stand_aside(True)
        await self.words_heard()
        self._silence_agent()

    def take_back(self) -> None:
        if not self.aside:
            return
        self.aside = False
        self._dialogue.stand_aside(False)
        self._agent_may_speak.set()
        self._port.resume()
        limit, self._limit = self._limit, None
        if limit is not None and limit is not asyncio.current_task():
            limit.cancel()

    async def say(self, text: str) -> None:
        self._port.resume()
        try:
            for sentence in sentences_of(text):
                await self._speak(sentence)
            await self._port.wait_heard(self._port.queued)
        finally:
            await self._port.flush()  # who stops us wants silence
            self._port.pause()

    @contextmanager
    def keys(self, *, secret: bool) -> Iterator[DivertedKeys]:
        before, self._keys = self._keys, DivertedKeys(secret=secret)
        self._dialogue.divert_keys(True)
        try:
            yield self._keys
        finally:
            self._keys = before
            self._dialogue.divert_keys(before is not None)
            if secret:
                self._secret_until_s = asyncio.get_running_loop().time() + SECRET_TAIL_S

    def at_limit(self, limit_s: float, work: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_work() -> None:
            await asyncio.sleep(limit_s)
            await work()

        self._limit = self._tasks.start(wait_and_work)

    def set_pace(self, pace: float) -> None:
        self._dialogue.set_pace(pace)

    def switch_language(self, language: str) -> None:
        self._dialogue.switch_language(language)

    def last_words(self) -> str:
        said = (turn.text for turn in reversed(self._dialogue.finished) if turn.who is Who.AGENT)
        return next(said, "")

    def recall(self) -> None:
        self._recall.set()

    async def recalled(self) -> None:
        self._recall.clear()
        await self._recall.wait()

    def _silence_agent(self) -> None:
        self._agent_may_speak.clear()
        self._port.pause()

    async def _speak(self, sentence: str) -> None:
        async with aclosing(self._dialogue.speak(sentence)) as pieces:
            async for piece in pieces:
                if len(piece.pcm):
                    await self._port.play(piece.pcm)
