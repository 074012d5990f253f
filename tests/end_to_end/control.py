"""What the tests of the verbs share: a script that the caller's keys lead, and how a call is looked at."""

from __future__ import annotations

import asyncio
import wave
from typing import Any

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.scenario import Awaited, Pause, Scenario, Wait

HOURS = """
[[rules]]
name = "hours"
patterns = ["what are your opening hours"]
reply = "We are open from nine to five."
"""


def rule(
    key: str, tool: str, *, reply: str = "One moment please.", then: str = "{result}", **given: str
) -> str:
    arguments = ", ".join(f'{name} = "{value}"' for name, value in given.items())
    return (
        f'[[rules]]\nname = "key-{key}"\ndigit = "{key}"\nreply = "{reply}"\nthen = "{then}"\n'
        f'tools = [{{ name = "{tool}", arguments = {{ {arguments} }} }}]\n'
    )


DESTINATIONS = {
    name: {"context": context, "exten": exten, "endpoint": f"PJSIP/{number}@carrier", "ring_s": 4}
    for name, context, exten, number in (
        ("human", "humans", "reception", "7000"),
        ("busy", "humans", "sales", "7001"),
        ("nobody", "humans", "sales", "7002"),
        ("refusing", "humans", "sales", "7003"),
        ("willing", "humans", "sales", "7004"),
        ("declining", "humans", "sales", "7005"),
        ("boss", "humans", "sales", "7006"),
        ("queue", "humans", "queue", "7000"),
        ("voicemail", "humans", "voicemail", "7000"),
    )
}


def scenario(*steps: Any) -> Scenario:
    return Scenario(did="5000", steps=(Wait(Awaited.AGENT_DONE), Pause(200), *steps))


def tone_s(pcm: Pcm16, hz: float, rate_hz: int) -> float:
    """For how long nearly nothing but the tone sounded, in seconds (speech never does that for long)."""
    size = rate_hz // 5
    probe = np.exp(-2j * np.pi * hz * np.arange(size) / rate_hz)
    frames = pcm[: len(pcm) // size * size].reshape(-1, size).astype(float)
    tone_power = 2 * np.abs(frames @ probe / size) ** 2
    return float(np.sum(tone_power > np.maximum(0.8 * np.mean(frames**2, axis=1), 100.0**2)) * 0.2)


async def log_says(server: AsteriskServer, text: str, within_s: float = 10.0) -> bool:
    for _ in range(int(within_s / 0.1)):
        if text in (server.directory / "log/full").read_text("utf-8", "replace"):
            return True
        await asyncio.sleep(0.1)
    return False


class Kept:
    """What somebody on the carrier heard; made before the call."""

    def __init__(self, lab: Lab, number: str) -> None:
        self._file = lab.carrier.directory / f"sounds/heard-{number}.wav"
        self._file.unlink(missing_ok=True)

    async def pcm(self) -> Pcm16:
        """Once the call is over and Asterisk has finished the file."""
        for _ in range(50):
            try:
                with wave.open(str(self._file)) as opened:
                    return np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
            except (OSError, EOFError, wave.Error):
                await asyncio.sleep(0.1)
        raise AssertionError(f"{self._file} is no recording")


def said(record: dict[str, Any]) -> str:
    return " ".join(turn["heard"] for turn in record["turns"] if turn["who"] == "agent")
