"""`ari-bridge bench providers`: what clients of vendors cost, and by how much they hold audio up.

The vendors' servers run in another process on loopback (vendor_server.py): what is measured is our side.
Recognisers hear N callers at once, who speak all the time, in frames of 20 ms, a quarter of them every 5 ms.
What that feeding costs by itself is measured first and taken off. Voices speak N sentences at once, again and
again; the time counts from the server's first byte to where the audio is handed to the call's media port.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import numpy as np

from ari_bridge.cli.bench import machine, report
from ari_bridge.cli.bench.figures import Spread
from ari_bridge.cli.terminal import Progress
from ari_bridge.core.audio import samples
from ari_bridge.core.clock import monotonic_s
from ari_bridge.providers.base import (
    Heard,
    Kind,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextToSpeech,
    UtteranceEnd,
    UtteranceStart,
    VoiceContext,
)
from ari_bridge.providers.registry import build
from ari_bridge.providers.streams import watched
from ari_bridge.sandbox import leash

RATE_HZ = 8000
FRAME_S = 0.02
PHASES = 4
UTTERANCE_S = 2.0
KEY_ENV = "ARI_BRIDGE_BENCH_KEY"
"""Of no value; the servers take any key."""
VOICES = {"deepgram-aura": "url", "openai-tts": "base_url"}
"""By WebSocket and by HTTP: the option that holds the address."""

Listen = Callable[[AsyncIterator[SttInput]], Awaitable[None]]


@dataclass
class Listening:
    cpu_ms_per_call_second: float = 0.0
    final_s: list[float] = field(default_factory=list)
    """From an utterance's end to its transcript."""


@dataclass
class Speaking:
    cpu_ms_per_sentence: float
    first_byte_s: list[float]


def run(arguments: argparse.Namespace) -> int:
    """Raises AriBridgeError."""
    report.check(arguments.json)
    machine.require_linux()
    os.environ[KEY_ENV] = "bench"
    progress = Progress(sys.stdout)
    figures = asyncio.run(_measure(arguments.streams, arguments.seconds, progress))
    progress.end()
    feeding, listening, speaking = figures
    cost = listening.cpu_ms_per_call_second - feeding.cpu_ms_per_call_second
    finals = Spread.of(np.array(listening.final_s))
    rows = [
        ("streams", str(arguments.streams)),
        ("STT: CPU of the client", f"{cost:.2f} ms per call-second"),
        ("... of feeding it", f"{feeding.cpu_ms_per_call_second:.2f} ms per call-second"),
        ("... end of turn to transcript", _spread(finals)),
    ]
    for name, voice in speaking.items():
        first = Spread.of(np.array(voice.first_byte_s))
        rows.append((f"{name}: first byte to the port", _spread(first)))
        rows.append(("... CPU", f"{voice.cpu_ms_per_sentence:.2f} ms per sentence"))
    print(report.table(rows))
    report.write(
        arguments.json,
        {
            "streams": arguments.streams,
            "stt_cpu_ms_per_call_second": round(cost, 3),
            "stt_feeding_cpu_ms_per_call_second": round(feeding.cpu_ms_per_call_second, 3),
            "stt_final_ms": finals.to_dict(),
            "tts": {
                name: {
                    "first_byte_ms": Spread.of(np.array(voice.first_byte_s)).to_dict(),
                    "cpu_ms_per_sentence": round(voice.cpu_ms_per_sentence, 3),
                }
                for name, voice in speaking.items()
            },
        },
    )
    return 0


def _spread(times: Spread) -> str:
    return f"p50 {times.p50:6.2f}   p99 {times.p99:6.2f}   max {times.max:6.2f} ms"


async def _measure(
    streams: int, seconds: float, progress: Progress
) -> tuple[Listening, Listening, dict[str, Speaking]]:
    async with _servers() as port:
        feeding, listening = Listening(), Listening()
        await _feed(streams, seconds, feeding, _ignore, report.bar(progress, "feeding"))
        options = {"base_url": f"ws://127.0.0.1:{port}", "api_key_env": KEY_ENV}
        stt: SpeechToText = build("deepgram", Kind.STT, options, table="bench")

        async def listen(audio: AsyncIterator[SttInput]) -> None:
            async with aclosing(watched(stt.transcribe(audio, SpeechContext(RATE_HZ)))) as transcripts:
                async for transcript in transcripts:
                    if transcript.final:
                        listening.final_s.append(monotonic_s() - ends[transcript.utterance])

        ends: dict[int, float] = {}
        await _feed(streams, seconds, listening, listen, report.bar(progress, "speech to text"), ends)
        await stt.close()
        speaking = {}
        for name, address in VOICES.items():
            scheme = "ws" if address == "url" else "http"
            options = {address: f"{scheme}://127.0.0.1:{port}", "api_key_env": KEY_ENV}
            voice: TextToSpeech = build(name, Kind.TTS, options, table="bench")
            speaking[name] = await _speak(voice, port, streams, seconds, report.bar(progress, name))
            await voice.close()
        return feeding, listening, speaking


# ------------------------------------------------------------------ speech to text


async def _feed(
    streams: int,
    seconds: float,
    result: Listening,
    listen: Listen,
    show: Callable[[float], None],
    ends: dict[int, float] | None = None,
) -> None:
    """`ends`: gets the time of each utterance's end; utterances are numbered over all streams."""
    queues: list[asyncio.Queue[SttInput | None]] = [asyncio.Queue() for _ in range(streams)]
    tasks = [asyncio.create_task(_listened(listen, queue)) for queue in queues]
    await asyncio.sleep(0.5)  # all are connected
    rng = np.random.default_rng(0)
    frames = rng.integers(-4000, 4000, (50, samples(FRAME_S * 1000, RATE_HZ)), dtype=np.int16)
    frames_per_utterance = round(UTTERANCE_S / FRAME_S)
    number = 0
    open_utterance = [0] * streams
    cpu_s, begin_s = time.process_time(), monotonic_s()
    for tick in range(round(seconds / FRAME_S * PHASES)):
        frame, phase = divmod(tick, PHASES)
        for stream in range(phase, streams, PHASES):
            queue = queues[stream]
            place = (frame + stream * 7) % frames_per_utterance
            if place == 0 or frame == 0:
                number += 1
                open_utterance[stream] = number
                queue.put_nowait(UtteranceStart(number))
            queue.put_nowait(Heard(frames[frame % len(frames)]))
            if place == frames_per_utterance - 1:
                if ends is not None:
                    ends[open_utterance[stream]] = monotonic_s()
                queue.put_nowait(UtteranceEnd(open_utterance[stream]))
        if tick % 100 == 0:
            show(tick * FRAME_S / PHASES / seconds)
        await asyncio.sleep(max(0.0, begin_s + (tick + 1) * FRAME_S / PHASES - monotonic_s()))
    took_s = monotonic_s() - begin_s
    result.cpu_ms_per_call_second = (time.process_time() - cpu_s) * 1000 / (streams * took_s)
    for queue in queues:
        queue.put_nowait(None)
    await asyncio.gather(*tasks)


async def _listened(listen: Listen, queue: asyncio.Queue[SttInput | None]) -> None:
    async def audio() -> AsyncGenerator[SttInput, None]:
        while (item := await queue.get()) is not None:
            yield item

    async with aclosing(audio()) as items:
        await listen(items)


async def _ignore(audio: AsyncIterator[SttInput]) -> None:
    async for _ in audio:
        pass


# ------------------------------------------------------------------ text to speech


async def _speak(
    voice: TextToSpeech, port: int, streams: int, seconds: float, show: Callable[[float], None]
) -> Speaking:
    arrived: dict[str, float] = {}
    context = VoiceContext(RATE_HZ)
    begin_s = monotonic_s()

    async def caller(number: int) -> int:
        """Sentence after sentence, each as long as it is heard."""
        await asyncio.sleep(UTTERANCE_S * number / streams)
        count = 0
        while monotonic_s() - begin_s < seconds:
            text = f"Sentence {count} of call {number}."
            async with aclosing(watched(voice.speak(text, context))) as pieces:
                async for piece in pieces:
                    if len(piece.pcm):
                        arrived.setdefault(text, monotonic_s())
            count += 1
            show(min(1.0, (monotonic_s() - begin_s) / seconds))
            await asyncio.sleep(UTTERANCE_S)
        return count

    cpu_s = time.process_time()
    counts = await asyncio.gather(*map(caller, range(streams)))
    cpu_ms = (time.process_time() - cpu_s) * 1000
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/first_bytes") as answer,
    ):
        sent = await answer.json()
    return Speaking(cpu_ms / sum(counts), [at_s - sent[text] for text, at_s in arrived.items()])


# ------------------------------------------------------------------ the servers


@asynccontextmanager
async def _servers() -> AsyncIterator[int]:
    """Their port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, leash.__file__, str(os.getpid())),
        *(sys.executable, "-m", "ari_bridge.cli.bench.vendor_server"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()
