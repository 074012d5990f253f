"""What a turn costs beside its engines: from the caller's last voiced frame to the agent's first packet.

    python -m benchmarks.turns [--calls 50] [--turns 20]

Callers with a socket each send speech-like noise in turns; the conversations answer by engines that take no
time at all; all of it runs on one core, the media process too. Both instants are taken on the wire, by the
callers, who sit on another core: what is left after the configured silence is ours. It holds the jitter
buffer's delay and two ticks of 20 ms, besides whatever the event loop adds at so many calls.

Ends with 1 where p50 is over 60 ms or p99 over 120 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ari_bridge.actions.base import ActionContext
from ari_bridge.conversation.cascade import CascadedConversation, CascadeEngines
from ari_bridge.conversation.line import Brief
from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.plane import MediaPort
from ari_bridge.media.port import ProcessPlane
from ari_bridge.pbx.call import CallInfo, PbxEvent
from ari_bridge.providers.base import (
    ReplyDelta,
    Speech,
    SpeechContext,
    SttInput,
    TextDelta,
    Transcript,
    UtteranceEnd,
    VoiceContext,
)
from ari_bridge.settings import AgentSettings, MediaSettings, PatienceSettings, TurnSettings
from tests.conversation.fakes import FakeControl

P50_MS, P99_MS = 60, 120
END_OF_TURN_MS = 500
FRAME_S = 0.02
FRAME = 160
VOICE_FRAMES = 40
TURN_FRAMES = 120
ANSWER_S = 0.4
AUDIBLE = 1000


# ------------------------------------------------------------------ the side that is measured


class InstantStt:
    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncIterator[Transcript]:
        async for item in audio:
            if isinstance(item, UtteranceEnd):
                yield Transcript(item.utterance, "hello there", final=True)

    async def close(self) -> None: ...


class InstantLlm:
    phrases: tuple[str, ...] = ()

    async def reply(self, history: Sequence[Message], tools: Sequence[ToolSpec]) -> AsyncIterator[ReplyDelta]:
        yield TextDelta("Yes.")

    async def close(self) -> None: ...


class InstantTts:
    def __init__(self) -> None:
        wave = np.sin(np.arange(round(ANSWER_S * 8000)) / 4) * 8000
        self._pcm = wave.astype(np.int16)

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncIterator[Speech]:
        yield Speech(self._pcm)

    async def close(self) -> None: ...


@dataclass
class QuietCall:
    """Nothing happens on the PBX."""

    port: MediaPort
    info: CallInfo
    control: FakeControl = field(default_factory=FakeControl)

    async def next_event(self) -> PbxEvent:
        return await asyncio.Event().wait()  # type: ignore[return-value]


async def serve(ports: Sequence[int]) -> None:
    # The callers are noise that moves as syllables do, which no model of the voice would take for one.
    plane = await ProcessPlane.start(MediaSettings(voice_activity="energy"))
    quiet = PatienceSettings(fillers=(), check_ins=())
    turns = TurnSettings(end_of_turn="fixed", end_of_turn_ms=END_OF_TURN_MS)
    agent = AgentSettings(turns=turns, patience=quiet)
    calls: list[asyncio.Task[object]] = []
    try:
        for port in ports:
            media = await plane.open("ulaw", ("127.0.0.1", port), f"call-{port}")
            call = QuietCall(media, CallInfo(f"call-{port}", f"ch-{port}", "bench", "1", "2", ""))
            brief = Brief(call, agent, (), ActionContext({}), lambda event: None, monotonic_s())
            talk = CascadedConversation(brief, CascadeEngines(InstantStt(), InstantLlm(), InstantTts()))
            calls.append(asyncio.create_task(talk.run()))
        print(json.dumps(plane.address), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await plane.close()


# ------------------------------------------------------------------ the callers


class Caller:
    """Speaks for 0.8 s of every 2.4 s; notes when its voice ended and when an answer began."""

    def __init__(self, number: int, random_: random.Random) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.waits_ms: list[float] = []
        self._ssrc = number + 1
        self._frame = 0
        self._offset = random_.randrange(TURN_FRAMES)
        codec = find_codec("ulaw")
        rng = np.random.default_rng(number)
        self._quiet = [_encoded(codec, rng.normal(0, 12, FRAME)) for _ in range(25)]
        # Syllables: loudness that moves, as a voice's does and a hum's does not.
        levels = 2500 * (1.15 + np.sin(np.arange(VOICE_FRAMES) * 1.3))
        self._voice = [_encoded(codec, rng.normal(0, level, FRAME)) for level in levels]
        self._ended_s: float | None = None

    def send(self, to: tuple[str, int], now: float) -> None:
        at = (self._frame + self._offset) % TURN_FRAMES
        voiced = at < VOICE_FRAMES and self._frame > TURN_FRAMES
        payload = self._voice[at] if voiced else self._quiet[self._frame % 25]
        header = b"\x80\x00" + (self._frame & 0xFFFF).to_bytes(2, "big")
        header += (self._frame * FRAME & 0xFFFFFFFF).to_bytes(4, "big") + self._ssrc.to_bytes(4, "big")
        self.socket.sendto(header + payload, to)
        if voiced and at == VOICE_FRAMES - 1:
            self._ended_s = now  # a packet leaves when its 20 ms have been recorded
        self._frame += 1

    def receive(self, loud: Sequence[bool], now: float) -> None:
        while True:
            try:
                packet = self.socket.recv(2048)
            except BlockingIOError:
                return
            if self._ended_s is not None and sum(loud[byte] for byte in packet[12:]) > FRAME // 4:
                self.waits_ms.append((now - self._ended_s) * 1000)
                self._ended_s = None


def _encoded(codec: object, wave: np.ndarray) -> bytes:
    return bytes(codec.encode(np.clip(wave, -32768, 32767).astype(np.int16)))  # type: ignore[attr-defined]


def call(count: int, turns: int) -> list[float]:
    """The waits of all callers' turns, in ms."""
    callers = [Caller(number, random.Random(number)) for number in range(count)]
    cores = sorted(os.sched_getaffinity(0))
    ports = [caller.socket.getsockname()[1] for caller in callers]
    server = subprocess.Popen(
        [
            "taskset",
            "-c",
            str(cores[0]),
            sys.executable,
            "-m",
            "benchmarks.turns",
            "--serve",
            json.dumps(ports),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    try:
        address = tuple(json.loads(server.stdout.readline()))
        os.sched_setaffinity(0, {cores[-1]})
        _talk(callers, address, (turns + 2) * TURN_FRAMES)
    finally:
        server.stdin.close()
        server.wait(20)
    return [wait for caller in callers for wait in caller.waits_ms]


def _talk(callers: Sequence[Caller], address: tuple[str, int], frames: int) -> None:
    decoded = find_codec("ulaw").decode(np.arange(256, dtype=np.uint8))
    loud = [bool(value) for value in np.abs(decoded.astype(np.int32)).reshape(-1) > AUDIBLE]
    selector = selectors.DefaultSelector()
    for caller in callers:
        selector.register(caller.socket, selectors.EVENT_READ, caller)
    began = time.monotonic()
    for tick in range(frames * len(callers)):
        due = began + tick * FRAME_S / len(callers)
        while (left := due - time.monotonic()) > 0 or tick % len(callers) == 0:
            for key, _ in selector.select(max(0.0, left)):
                key.data.receive(loud, time.monotonic())
            if left <= 0:
                break
        callers[tick % len(callers)].send(address, time.monotonic())
    selector.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(json.loads(options.serve)))
        return
    waits = np.array(call(options.calls, options.turns)) - END_OF_TURN_MS
    if len(waits) < options.calls * options.turns * 0.9:
        sys.exit(f"only {len(waits)} of {options.calls * options.turns} turns were answered")
    p50, p90, p99 = np.percentile(waits, (50, 90, 99))
    print(f"{options.calls} calls on one core, {len(waits)} turns: beyond the {END_OF_TURN_MS} ms of silence")
    print(f"p50 {p50:.0f} ms, p90 {p90:.0f} ms, p99 {p99:.0f} ms, most {waits.max():.0f} ms")
    sys.exit(int(p50 > P50_MS or p99 > P99_MS))


if __name__ == "__main__":
    main()
