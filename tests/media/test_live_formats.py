"""Every codec on a leg of a real Asterisk: what leaves the one leg comes in at another, both ways.

Asterisk drops what it does not know without a word, so nothing less than its own ears will do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.registry import find_codec, known_codecs
from ari_bridge.media.plane import MediaPlane, MediaPort
from ari_bridge.media.port import ProcessPlane
from ari_bridge.pbx.formats import first_format
from ari_bridge.pbx.variables import NATIVE_FORMAT
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.lab import Lab
from ari_bridge.settings import MediaSettings

pytestmark = pytest.mark.asterisk

LOW_HZ, HIGH_HZ = 700, 6100
LISTENER = "slin16"


def two_tones(rate_hz: int, seconds: float) -> Pcm16:
    t = np.arange(int(rate_hz * seconds)) / rate_hz
    wave = np.sin(2 * np.pi * LOW_HZ * t) + (np.sin(2 * np.pi * HIGH_HZ * t) if rate_hz > 8000 else 0)
    return (6000 * wave).astype(np.int16)


def level_db(pcm: Pcm16, rate_hz: int, frequency_hz: float) -> float:
    """Of one sine in the middle of what was heard, against the 6000 it was played at. The median of short
    pieces: on a busy machine Asterisk leaves out a frame now and then."""
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > 1000)
    middle = pcm[loud[0] : loud[-1]] if len(loud) else pcm
    size = rate_hz // 25
    pieces = middle[len(middle) // 4 : 3 * len(middle) // 4].astype(np.float64)
    pieces = pieces[: len(pieces) // size * size].reshape(-1, size)
    window = np.hanning(size)
    phase = np.exp(-2j * np.pi * frequency_hz * np.arange(size) / rate_hz)
    amplitudes = 2 * np.abs(pieces @ (window * phase)) / np.sum(window)
    return float(20 * np.log10(max(float(np.median(amplitudes)), 1e-3) / 6000))


@asynccontextmanager
async def bridged(server: AsteriskServer, plane: MediaPlane, *formats: str) -> AsyncIterator[list[MediaPort]]:
    """Ports on legs of these formats, in one mixing bridge. A port speaks what its leg says that it does:
    slin is µ-law before late 2023."""
    app = f"formats-{random.getrandbits(32):x}"
    async with server.ari_session() as session, AsyncExitStack() as stack:
        events = await stack.enter_async_context(session.ws_connect("/ari/events", params={"app": app}))
        bridge = f"bridge-{app}"
        await _ask(session, "POST", "/ari/bridges", type="mixing", bridgeId=bridge)
        stack.push_async_callback(_ask, session, "DELETE", f"/ari/bridges/{bridge}")
        ports = []
        for number, format_name in enumerate(formats):
            leg = f"leg-{number}-{app}"
            host, port = plane.address
            answer = await _ask(
                session,
                "POST",
                "/ari/channels/externalMedia",
                channelId=leg,
                app=app,
                external_host=f"{host}:{port}",
                format=format_name,
            )
            stack.push_async_callback(_ask, session, "DELETE", f"/ari/channels/{leg}")
            variables = answer["channelvars"]
            peer = variables["UNICASTRTP_LOCAL_ADDRESS"], int(variables["UNICASTRTP_LOCAL_PORT"])
            speaks = await _ask(session, "GET", f"/ari/channels/{leg}/variable", variable=NATIVE_FORMAT)
            ports.append(await plane.open(first_format(speaks["value"]), peer, leg))
            while (await events.receive_json(timeout=5))["type"] != "StasisStart":
                pass
            await _ask(session, "POST", f"/ari/bridges/{bridge}/addChannel", channel=leg)
        yield ports


async def _ask(session: aiohttp.ClientSession, method: str, path: str, **query: str) -> Any:
    async with session.request(method, path, params=query) as answer:
        body = await answer.text()
        assert answer.status < 300, f"{path}: {answer.status} {body}"
        return await answer.json() if body else None


async def hears(listener: MediaPort, speaker: MediaPort) -> Pcm16:
    """What the listener hears while the speaker says the two tones."""
    await listener.read()
    mark = await speaker.play(two_tones(speaker.rate_hz, 1.0))
    pieces = []
    while speaker.heard < mark:
        pieces.append((await listener.read()).pcm)
    pieces += [(await listener.read()).pcm for _ in range(10)]
    return np.concatenate(pieces)


@pytest.mark.parametrize("format_name", sorted(known_codecs()))
def test_a_leg_of_every_format_speaks_and_hears(
    clean_lab: Lab, run: Callable[..., Any], format_name: str
) -> None:
    codec = find_codec(format_name)
    wide_out = find_codec(codec.send_as or codec.name).rate_hz > 8000

    async def main() -> None:
        plane = await ProcessPlane.start(MediaSettings(max_calls=4))
        try:
            async with bridged(clean_lab.pbx, plane, format_name, LISTENER) as (port, other):
                await asyncio.sleep(0.3)
                out = await hears(other, port)
                back = await hears(port, other)
                stats = port.stats()
        finally:
            await plane.close()
        assert level_db(out, other.rate_hz, LOW_HZ) == pytest.approx(0, abs=1.5)
        assert (level_db(out, other.rate_hz, HIGH_HZ) > -3) is wide_out
        assert level_db(back, port.rate_hz, LOW_HZ) == pytest.approx(0, abs=1.5)
        if port.rate_hz > 8000:
            assert level_db(back, port.rate_hz, HIGH_HZ) > -3
        assert stats.malformed == 0

    run(main())
