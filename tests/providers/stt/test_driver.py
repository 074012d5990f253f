"""The driver with a vendor that is a few lines long, minutes of a call in no time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import (
    Heard,
    SpeechContext,
    SttInput,
    Transcript,
    Usage,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.stt.streaming.dialect import (
    Billing,
    Dialect,
    Finished,
    Manners,
    Reply,
    Understood,
    Words,
)
from ari_bridge.providers.stt.streaming.driver import StreamingSpeechToText
from ari_bridge.providers.stt.streaming.pace import Pace
from ari_bridge.scenario.virtual_time import run

CONTEXT = SpeechContext(8000)
PLAIN = Manners()


class Plain(Dialect[str]):
    service = "vendor model"

    def opening(self) -> Iterable[str]:
        return ("hello",)

    def begin(self) -> Iterable[str]:
        return ("begin",)

    def audio(self, pcm: Pcm16) -> Iterable[str]:
        return (f"audio {len(pcm) // 8}",)

    def finish(self) -> Iterable[str]:
        return ("finish",)

    def keep_alive(self) -> Iterable[str]:
        return ("alive",)

    def goodbye(self) -> Iterable[str]:
        return ("goodbye",)

    def take(self, message: str) -> Iterator[Understood[str]]:
        match message.split():
            case ["usage"]:
                yield Usage(5, 7, self.service)
            case ["ping"]:
                yield Reply("pong")
            case ["complaint"]:
                raise ProviderError("vendor: no such model", retryable=False)
            case ["nonsense"]:
                raise KeyError(message)
            case ["final", text]:
                yield Words(text, is_settled=True)
                yield Finished()


class Vendor:
    """Answers each finish with "final one"; keeps what was sent, with its time."""

    def __init__(self, manners: Manners = PLAIN) -> None:
        self.manners = manners
        self.heard: list[tuple[float, str]] = []
        self.connections = self.open = 0
        self.said: list[asyncio.Queue[str | ProviderError | None]] = []
        self.answers = True
        self.answers_connection: int | None = None

    def engine(self) -> StreamingSpeechToText[str]:
        dialect = type("Dialect", (Plain,), {"manners": self.manners})
        return StreamingSpeechToText("vendor", lambda _: dialect(), self._connect, final_s=2.0)

    @asynccontextmanager
    async def _connect(self, _: Dialect[str]) -> AsyncGenerator[_Line, None]:
        self.connections += 1
        self.open += 1
        self.said.append(asyncio.Queue())
        try:
            yield _Line(self, self.said[-1])
        finally:
            self.open -= 1

    @property
    def sent(self) -> list[str]:
        return [message for _, message in self.heard]


class _Line:
    def __init__(self, vendor: Vendor, said: asyncio.Queue[str | ProviderError | None]) -> None:
        self._vendor, self._said = vendor, said

    async def send(self, message: str) -> None:
        self._vendor.heard.append((asyncio.get_running_loop().time(), message))
        only = self._vendor.answers_connection
        if message == "finish" and self._vendor.answers and only in (None, self._vendor.connections):
            self._said.put_nowait("final one")

    async def receive(self) -> str | None:
        message = await self._said.get()
        if isinstance(message, ProviderError):
            raise message
        return message


async def talk(*pauses_s: float) -> AsyncGenerator[SttInput, None]:
    """An utterance of 120 ms after each pause."""
    for number, pause_s in enumerate(pauses_s):
        await asyncio.sleep(pause_s)
        yield UtteranceStart(number)
        yield Heard(np.ones(960, np.int16))
        yield UtteranceEnd(number)


async def heard_by(
    vendor: Vendor, audio: AsyncGenerator[SttInput, None], context: SpeechContext = CONTEXT
) -> list[Transcript]:
    return [t async for t in vendor.engine().transcribe(audio, context) if t.final]


def test_a_conversation_from_hello_to_goodbye() -> None:
    vendor = Vendor()
    finals = run(heard_by(vendor, talk(0.0, 1.0)))
    assert [t.text for t in finals] == ["one", "one"]
    once = ["begin", "audio 60", "audio 60", "finish"]
    assert vendor.sent == ["hello", *once, *once, "goodbye"]
    assert (vendor.connections, vendor.open) == (1, 0)


def test_a_silent_caller_does_not_lose_the_connection() -> None:
    vendor = Vendor(Manners(keep_alive_s=4.0))
    run(heard_by(vendor, talk(60.0, 20.0)))
    times = [at for at, message in vendor.heard if message != "goodbye"]
    assert max(after - before for before, after in pairwise(times)) <= 4.1
    assert vendor.sent.count("alive") == pytest.approx(19, abs=1)
    assert vendor.connections == 1


def test_where_there_is_no_message_for_it_silence_is_sent() -> None:
    vendor = Vendor(Manners(keep_alive_s=5.0, keep_alive_ms=80))
    run(heard_by(vendor, talk(11.0)))
    assert vendor.sent[:3] == ["hello", "audio 80", "audio 80"]
    assert "alive" not in vendor.sent


def test_an_old_connection_is_replaced_while_the_caller_is_silent() -> None:
    vendor = Vendor(Manners(renew_s=170.0))
    finals = run(heard_by(vendor, talk(400.0, 1.0)))
    assert len(finals) == 2
    assert vendor.connections == 3
    assert vendor.sent.count("goodbye") == 3


def test_a_hung_vendor_is_left_and_the_utterance_told_to_another_connection() -> None:
    vendor = Vendor()
    vendor.answers_connection = 2
    finals = run(heard_by(vendor, talk(0.0)))
    assert [t.text for t in finals] == ["one"]
    assert vendor.connections == 2
    finish_s = [at for at, message in vendor.heard if message == "finish"]
    assert finish_s[1] - finish_s[0] == pytest.approx(2.0, abs=0.3)


def test_a_vendor_that_never_answers_is_given_up() -> None:
    vendor = Vendor()
    vendor.answers = False
    with pytest.raises(ProviderError, match="vendor: no transcript 2 s after the utterance") as caught:
        run(heard_by(vendor, talk(0.0)))
    assert caught.value.retryable
    assert 2 <= vendor.connections <= 4
    assert vendor.open == 0


def test_what_the_vendor_asks_for_is_answered_and_what_it_bills_is_counted() -> None:
    vendor = Vendor(Manners(billing=Billing.TOLD))
    used: list[Usage] = []

    async def scene() -> None:
        audio = talk(1.0)
        listening = asyncio.create_task(heard_by(vendor, audio, replace(CONTEXT, meter=used.append)))
        await asyncio.sleep(0.5)
        vendor.said[0].put_nowait("ping")
        vendor.said[0].put_nowait("usage")
        await listening

    run(scene())
    assert "pong" in vendor.sent
    assert used == [Usage(5, 7, "vendor model")]


@pytest.mark.parametrize(
    ("billing", "billed_s"), [(Billing.AUDIO, 0.24), (Billing.SESSION, 31.0), (Billing.TOLD, 0.0)]
)
def test_what_is_counted_is_what_the_vendor_bills(billing: Billing, billed_s: float) -> None:
    used: list[Usage] = []
    vendor = Vendor(Manners(billing=billing))
    run(heard_by(vendor, talk(1.0, 30.0), replace(CONTEXT, meter=used.append)))
    assert sum(usage.audio_s for usage in used) == pytest.approx(billed_s, abs=0.01)


def test_a_call_that_is_cut_off_is_billed_for_what_was_sent() -> None:
    used: list[Usage] = []
    vendor = Vendor()

    async def endless() -> AsyncGenerator[SttInput, None]:
        yield UtteranceStart(0)
        yield Heard(np.ones(960, np.int16))
        await asyncio.Event().wait()

    async def scene() -> None:
        listening = asyncio.create_task(heard_by(vendor, endless(), replace(CONTEXT, meter=used.append)))
        await asyncio.sleep(1)
        listening.cancel()
        await asyncio.wait([listening])

    run(scene())
    assert [usage.audio_s for usage in used] == [pytest.approx(0.12)]
    assert vendor.sent[-1] == "goodbye"
    assert vendor.open == 0


@pytest.mark.parametrize(("message", "connections"), [("complaint", 1), ("nonsense", 2)])
def test_a_complaint_ends_it_and_nonsense_costs_a_connection(message: str, connections: int) -> None:
    vendor = Vendor()

    async def scene() -> list[Transcript]:
        listening = asyncio.create_task(heard_by(vendor, talk(1.0)))
        await asyncio.sleep(0.5)
        vendor.said[0].put_nowait(message)
        return await listening

    if message == "complaint":
        with pytest.raises(ProviderError, match="vendor: no such model"):
            run(scene())
    else:
        assert [t.text for t in run(scene())] == ["one"]
    assert vendor.connections == connections


def test_connections_that_always_break_are_counted_and_one_that_held_is_forgotten() -> None:
    vendor = Vendor()
    lost = ProviderError("lost", retryable=True)

    async def scene(lifetimes_s: list[float]) -> None:
        listening = asyncio.create_task(heard_by(vendor, talk(3600.0)))
        for lifetime_s in lifetimes_s:
            await asyncio.sleep(lifetime_s)
            vendor.said[-1].put_nowait(lost)
            await asyncio.sleep(0.5)
        assert not listening.done()
        for _ in range(3):
            vendor.said[-1].put_nowait(lost)
            await asyncio.sleep(0.5)
        with pytest.raises(ProviderError, match="vendor: lost"):
            await listening

    run(scene([60.0] * 10))
    assert vendor.connections == 12


def test_an_error_of_the_audio_is_raised_to_the_listener() -> None:
    async def broken() -> AsyncGenerator[SttInput, None]:
        yield UtteranceStart(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(heard_by(Vendor(), broken()))


def test_audio_that_has_waited_goes_out_faster_than_it_was_spoken_but_not_at_once() -> None:
    pace = Pace(2.0, ahead_s=1.0)
    now = spent_s = 0.0
    for _ in range(100):  # 10 s of audio
        pause_s = pace.pause_s(now, 0.1)
        now, spent_s = now + pause_s, spent_s + pause_s
    assert spent_s == pytest.approx((10 - 1) / 2, abs=0.1)
    assert Pace(None, 1.0).pause_s(0.0, 1000.0) == 0.0


def test_audio_in_time_is_never_held_up() -> None:
    pace = Pace(1.5, ahead_s=0.2)
    assert [pace.pause_s(second / 10, 0.1) for second in range(100)] == [0.0] * 100
