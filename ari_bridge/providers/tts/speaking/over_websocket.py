"""Speech by WebSocket: all that is the same whatever the vendor, whose protocol is a Dialect without I/O.

One connection speaks one part of a sentence at a time, so that nothing can be mixed up, and stays open for
the next (providers/vendor/sockets.py). Leaving the answer early abandons it. A try that failed before it
sounded is made again inside the budget; at once, if the connection had grown stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Speech, Usage, VoiceContext
from ari_bridge.providers.tts.speaking.ahead import read_ahead
from ari_bridge.providers.tts.speaking.charge import Charge
from ari_bridge.providers.tts.speaking.narration import Narration
from ari_bridge.providers.tts.speaking.sound import SoundFormat
from ari_bridge.providers.tts.speaking.text import speakable_parts
from ari_bridge.providers.tts.speaking.tries import tried
from ari_bridge.providers.tts.speaking.words import SpokenWord
from ari_bridge.providers.vendor.retry import Budget, Retry
from ari_bridge.providers.vendor.sockets import Address, Frame, PooledSocket, SocketPool


@dataclass(frozen=True, slots=True)
class Done:
    """The whole text has been spoken."""


Heard: TypeAlias = bytes | SpokenWord | Done
"""What a message says: audio, a word, the end."""


class Utterance(Protocol):
    """One text in a vendor's words."""

    @property
    def source(self) -> SoundFormat: ...

    def request(self) -> Sequence[Frame]: ...

    def heard(self, frame: str | bytes) -> Sequence[Heard]:
        """What a message says, a word's audio before or with it. Raises ProviderError: the vendor says it has
        failed, or something that cannot be understood."""
        ...

    def farewell(self) -> Sequence[Frame]:
        """What tells the vendor to stop."""
        ...


class Dialect(Protocol):
    @property
    def name(self) -> str:
        """What messages call the vendor."""
        ...

    @property
    def service(self) -> str:
        """What has a price: vendor and model."""
        ...

    def address(self, context: VoiceContext) -> Address:
        """The connection that a call needs; what differs from call to call is better in the request."""
        ...

    def utterance(self, text: str, context: VoiceContext) -> Utterance: ...


@dataclass(frozen=True, slots=True)
class _Part:
    """What one request is for."""

    text: str
    context: VoiceContext
    charge: Charge
    char_offset: int
    sample_offset: int

    def narration(self, source: SoundFormat) -> Narration:
        return Narration(
            self.text,
            source,
            self.context.rate_hz,
            char_offset=self.char_offset,
            sample_offset=self.sample_offset,
        )


class _Stale(Exception):
    """A connection that had been idle was of no use."""


class WebSocketTextToSpeech:
    def __init__(
        self, dialect: Dialect, pool: SocketPool, *, stall_s: float, budget: Budget | None = None
    ) -> None:
        self._dialect, self._pool = dialect, pool
        self._stall_s, self._budget = stall_s, budget or Budget()
        self._last = VoiceContext(8000)
        """What was asked for last is what will be asked for next."""

    async def warm(self) -> None:
        opening = self._pool.warm(self._dialect.address(self._last))
        if opening is not None:
            await asyncio.wait([opening])

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Raises ProviderError."""
        self._last = context
        said = 0
        for offset, text in speakable_parts(sentence):
            charge = Charge(context.meter, Usage(characters=len(text), service=self._dialect.service))
            part = _Part(text, context, charge, char_offset=offset, sample_offset=said)
            async with aclosing(tried(partial(self._attempt, part), charge, self._budget)) as pieces:
                async for piece in pieces:
                    said += len(piece.pcm)
                    yield piece

    async def close(self) -> None:
        await self._pool.close()

    async def _attempt(self, part: _Part, retry: Retry) -> AsyncGenerator[Speech, None]:
        for fresh in (False, True):
            pooled = await self._pool.take(self._dialect.address(part.context), retry, fresh=fresh)
            utterance = self._dialect.utterance(part.text, part.context)
            narration = part.narration(utterance.source)
            try:
                async with aclosing(read_ahead(self._answer(pooled, utterance))) as answer:
                    async for heard in answer:
                        if isinstance(heard, SpokenWord):
                            narration.word(heard)
                            continue
                        part.charge.count()
                        for piece in narration.sound(heard):
                            yield piece
            except _Stale:
                continue
            for piece in narration.finish():
                yield piece
            return

    async def _answer(
        self, pooled: PooledSocket, utterance: Utterance
    ) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Raises ProviderError, and _Stale. The connection goes back to the pool, one way or another."""
        may_be_stale = pooled.uses > 1
        is_done, is_broken = False, False
        try:
            async with asyncio.timeout(self._stall_s):
                for frame in utterance.request():
                    await pooled.send(frame)
            while not is_done:
                async with asyncio.timeout(self._stall_s):
                    message = await pooled.socket.receive_message()
                if message is None:
                    raise ProviderError(f"{self._dialect.name}: closed the connection", retryable=True)
                may_be_stale = False
                for heard in utterance.heard(message):
                    match heard:
                        case Done():
                            is_done = True
                        case _:
                            yield heard
        except TimeoutError:
            is_broken = True
            text = f"{self._dialect.name}: nothing came for {self._stall_s:g} s"
            raise ProviderError(text, retryable=True) from None
        except ProviderError:
            is_broken = True
            if may_be_stale:
                raise _Stale from None
            raise
        finally:
            if is_done:
                self._pool.give_back(pooled)
            elif is_broken:
                self._pool.drop(pooled)
            else:
                self._pool.abandon(pooled, utterance.farewell())


Shape = TypeVar("Shape", bound=BaseModel)


def understood(name: str, shape: type[Shape], frame: str | bytes) -> Shape:
    """A vendor's JSON message, checked. Raises ProviderError."""
    try:
        return shape.model_validate_json(frame)
    except ValidationError as error:
        at = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"]))
        where = f" ({at})" if at else ""
        raise ProviderError(f"{name}: sent what cannot be understood{where}", retryable=True) from None
