"""What a call's verbs do to it before a real Asterisk, and what is seen of it from outside: by the caller, on
the disk of the PBX. The agent is the script; the keys of the caller choose what it does."""

from __future__ import annotations

import asyncio
import json
import logging
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.caller import CallerResult, place_call
from ari_bridge.sandbox.lab import MUSIC_HZ
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Wait
from tests.end_to_end.control import log_says, rule, said, scenario, tone_s

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]


def test_on_hold_the_caller_hears_music_and_the_agent_comes_back(controlled: Any, run: Run) -> None:
    async def main() -> tuple[CallerResult, dict[str, Any]]:
        async with controlled(
            rule("1", "hold", then="Thank you for waiting."), control={"hold_limit_s": 2}
        ) as service:
            result = await place_call(
                service.lab,
                scenario(Press("1"), Pause(2000), Say("what are your opening hours"), Pause(4000), Hangup()),
            )
            return result, await service.record()

    result, record = run(main())
    assert result.problem == ""
    recording = result.recording
    assert tone_s(recording.agent, MUSIC_HZ, recording.rate_hz) >= 0.8
    assert record["turns"][-1]["heard"] == "One moment please. Thank you for waiting."
    assert all("hours" not in turn["text"] for turn in record["turns"]), "nobody listened"
    tail = recording.agent[-recording.rate_hz // 2 :]
    assert tone_s(tail, MUSIC_HZ, recording.rate_hz) == 0, "the music has ended"


def test_a_muted_caller_is_not_heard(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(rule("1", "mute"), rule("2", "unmute")) as service:
            question = Say("what are your opening hours")
            result = await place_call(
                service.lab,
                scenario(
                    *(Press("1"), Wait(Awaited.AGENT_DONE), question, Pause(2500)),
                    *(Press("2"), Wait(Awaited.AGENT_DONE), Pause(300), question, Wait(Awaited.AGENT_DONE)),
                    Hangup(),
                ),
            )
            record = await service.record()
        assert result.problem == ""
        questions = [turn for turn in record["turns"] if "hours" in turn["text"]]
        assert len(questions) == 1

    run(main())


def test_keys_reach_the_far_end(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(rule("1", "send_dtmf", digits="58#", then="Done.")) as service:
            result = await place_call(service.lab, scenario(Press("1"), Pause(3500), Hangup()))
            assert result.problem == ""
            for digit in "58#":
                assert await log_says(service.lab.carrier, f"DTMF end '{digit}' received on PJSIP/trunk"), (
                    digit
                )

    run(main())


def test_a_recording_holds_what_was_said(controlled: Any, run: Run) -> None:
    async def main() -> None:
        rules = (
            rule("1", "record", step="start", then="Recording."),
            rule("2", "record", step="pause", then="Paused."),
            rule("3", "record", step="stop", then="Stopped."),
        )
        async with controlled(*rules) as service:
            result = await place_call(
                service.lab,
                scenario(
                    *(Press("1"), Wait(Awaited.AGENT_DONE), Pause(1000)),
                    *(Press("2"), Wait(Awaited.AGENT_DONE), Pause(3000)),
                    *(Press("3"), Wait(Awaited.AGENT_DONE), Hangup()),
                ),
            )
            record = await service.record()
            assert result.problem == ""
            (file,) = (service.lab.pbx.directory / "spool/recording").glob(f"{record['call_id']}*.wav")
            with wave.open(str(file)) as opened:
                pcm = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
                seconds = len(pcm) / opened.getframerate()
        assert dbfs(pcm) > -50
        assert 1.0 < seconds < 4.5, "the pause is left out"

    run(main())


# ------------------------------------------------------------------ digits that nobody may keep

CARD = "4111122223333"


def test_masked_digits_reach_the_dialplan_and_nothing_else(
    controlled: Any, run: Run, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with controlled(
            rule("1", "collect_digits", reply="Please type your card number.", digits="card"),
            rule("2", "transfer", destination="voicemail"),
            digits={"card": {"min": 12, "max": 19, "variable": "CARD"}},
            store={"file": tmp_path / "calls.sqlite"},
        ) as service:

            async def look() -> str:
                await service.seen_tool("collect_digits")
                return await _caller_variable(service.lab.pbx, "CARD")

            looking = asyncio.create_task(look())
            result = await place_call(
                service.lab,
                scenario(Press("1"), Pause(1500), Press(f"{CARD}#"), Wait(Awaited.AGENT_DONE), Hangup()),
            )
            record = await service.record()
            assert await looking == CARD
        assert result.problem == ""
        assert "13 digits" in said(record)
        kept_of_it = b"".join(file.read_bytes() for file in tmp_path.glob("calls.sqlite*"))
        assert b"collect_digits" in kept_of_it, "the store was written"
        for text in (json.dumps(record), repr(service.events), caplog.text, kept_of_it.decode("latin-1")):
            for kept in (CARD, "4111", "[digit 4]"):
                assert kept not in text
        assert [digit["digit"] for digit in record["digits"]] == ["1"]

    run(main())


async def _caller_variable(pbx: AsteriskServer, name: str) -> str:
    async with pbx.ari_session() as session:
        async with session.get("/ari/channels") as answer:
            channels = [item["id"] for item in await answer.json() if item["name"].startswith("PJSIP/")]
        async with session.get(f"/ari/channels/{channels[0]}/variable", params={"variable": name}) as answer:
            return str((await answer.json())["value"])
