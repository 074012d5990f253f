"""What the fake voices share: how they speak, how they fail, and what they can tell afterwards.

Every word is a tone of WORD_MS. A number is spelled out, digit by digit, as vendors' normalisers do in their
way, so that what is spoken is not what was written. Time passes in milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto

import numpy as np
from aiohttp import web

from ari_bridge.media.codecs import ulaw

KEY = "sk-test-0123456789"
WORD_MS = 60
PIECE_S = 0.0005
"""How long two words take to make: a hundred times faster than they sound."""
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Fault(Enum):
    NONE = auto()
    SLOW_START = auto()
    """Longer than usual, but in time."""
    DROP = auto()
    """The connection is cut after the first word."""
    STALL = auto()
    """Nothing more after the first word."""
    MUTE = auto()
    """Nothing at all, and the connection stays."""
    SOUNDLESS = auto()
    """An answer in good order, without sound."""
    BUSY = auto()
    """429."""
    BROKEN = auto()
    """500."""
    GARBAGE = auto()
    """What the protocol does not know."""


@dataclass(slots=True)
class Word:
    """As it is spoken. Times in seconds since the beginning of the text."""

    text: str
    start_s: float
    end_s: float
    audio: bytes


@dataclass(slots=True)
class Made:
    text: str
    words: int = 0
    is_done: bool = False
    is_over: bool = False
    """Done, or stopped."""


@dataclass(slots=True)
class Studio:
    """One fake vendor's insides."""

    fault: Fault = Fault.NONE
    faults_left: int = -1
    """How many requests it hits; -1: every one."""
    made: list[Made] = field(default_factory=list)
    asked: int = 0
    connections: int = 0
    open: int = 0

    def fault_now(self) -> Fault:
        """For the request that has just come."""
        self.asked += 1
        if self.fault is Fault.NONE or self.faults_left == 0:
            return Fault.NONE
        self.faults_left -= 1
        return self.fault

    async def speak(
        self, text: str, rate_hz: int, *, mulaw: bool, fault: Fault, speed: float = 1.0
    ) -> AsyncGenerator[Word, None]:
        """Word by word. Stops when it is closed; `made` tells how far it came. DROP is the caller's to act
        on: it is over after one word."""
        made = Made(text)
        self.made.append(made)
        try:
            async for word in self._words(made, rate_hz, mulaw=mulaw, fault=fault, speed=speed):
                yield word
        finally:
            made.is_over = True

    async def _words(
        self, made: Made, rate_hz: int, *, mulaw: bool, fault: Fault, speed: float
    ) -> AsyncGenerator[Word, None]:
        if fault is Fault.MUTE:
            await asyncio.Event().wait()
        await asyncio.sleep(0.02 if fault is Fault.SLOW_START else PIECE_S)
        duration_s = WORD_MS / 1000 / speed
        for index, word in enumerate(() if fault is Fault.SOUNDLESS else spoken(made.text)):
            if index and fault is Fault.STALL:
                await asyncio.Event().wait()
            if index and fault is Fault.DROP:
                await asyncio.sleep(0.01)  # what was sent arrives
                return
            if index % 2:
                await asyncio.sleep(PIECE_S)
            made.words += 1
            start_s = index * duration_s
            yield Word(word, start_s, start_s + duration_s, tone(duration_s, rate_hz, mulaw=mulaw))
        made.is_done = True

    @property
    def stopped(self) -> list[Made]:
        return [made for made in self.made if not made.is_done]


def spoken(text: str) -> list[str]:
    words = []
    for word in text.split():
        if any(c.isdigit() for c in word):
            words += [_DIGITS[int(c)] for c in word if c.isdecimal() and c.isascii()]
        elif any(map(str.isalnum, word)):
            words.append(word)
    return words


def tone(duration_s: float, rate_hz: int, *, mulaw: bool) -> bytes:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    pcm = np.rint(8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    return bytes(ulaw.CODEC.encode(pcm)) if mulaw else pcm.astype("<i2").tobytes()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncGenerator[str, None]:
    """ "127.0.0.1:PORT", until the context is left."""
    runner = web.AppRunner(app, shutdown_timeout=0.2, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()
