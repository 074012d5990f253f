"""The synthetic caller in real calls: what it says comes back from an echo, digits arrive, people answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, dbfs
from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.caller import CallerEventKind, CallerResult, place_call
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Scenario, Step, Voice, Wait

pytestmark = pytest.mark.asterisk

ECHO, DIGITS, SPEAKER, NOBODY = "4000", "4003", "4005", "4999"


def call(
    lab: Lab, run: Any, did: str, *steps: Step, codec: str = "ulaw", voice: Voice = Voice.FLITE
) -> CallerResult:
    result: CallerResult = run(place_call(lab, Scenario(did, steps, codec, voice)))
    return result


def kinds(result: CallerResult) -> list[CallerEventKind]:
    return [event.kind for event in result.events]


@pytest.mark.parametrize("codec", ["ulaw", "alaw", "g722", "slin16"])
def test_the_echo_brings_back_what_was_said(clean_lab: Lab, run: Any, codec: str) -> None:
    result = call(clean_lab, run, ECHO, Say("good morning"), Pause(300), Hangup(), codec=codec)
    assert result.problem == ""
    likeness, lag_ms = best_match(result.recording.caller, result.recording.agent, result.recording.rate_hz)
    assert likeness > 0.8  # a busy machine costs a packet now and then; silence or noise would be near 0
    assert 0 <= lag_ms < 100
    assert result.hangup_cause == "Normal Clearing"


def test_the_recording_lies_on_the_clock_of_the_events(clean_lab: Lab, run: Any, tmp_path: Path) -> None:
    result = call(clean_lab, run, ECHO, Pause(400), Say("yes"), Pause(200), Hangup(), voice=Voice.ESPEAK)
    recording, says = result.recording, result.first(CallerEventKind.SAYS)
    assert says is not None
    spoken_from_s = np.flatnonzero(recording.caller)[0] / recording.rate_hz + recording.start_monotonic_s
    assert -0.02 <= spoken_from_s - says.at_s <= 0.1
    assert len(recording.caller) == len(recording.agent)
    recording.write_wav(tmp_path / "call.wav")
    assert (tmp_path / "call.wav").stat().st_size == 44 + 4 * len(recording.caller)


def test_the_caller_hears_turns_and_people(clean_lab: Lab, run: Any) -> None:
    """Without ari_bridge the dialplan's fallback branch connects the caller to a person, on the carrier."""
    result = call(
        clean_lab, run, "5000", Wait(Awaited.HUMAN_ANSWERS, 10), Wait(Awaited.AGENT_STARTS, 3), Pause(200)
    )
    assert result.problem == ""
    assert kinds(result)[-3:] == [
        CallerEventKind.HUMAN_ANSWERED,
        CallerEventKind.AGENT_STARTED,  # the person speaks
        CallerEventKind.HUNG_UP,
    ]
    assert dbfs(result.recording.agent[-1600:]) > -40


def test_digits_and_the_callers_number_cross_the_trunk(clean_lab: Lab, run: Any) -> None:
    call(clean_lab, run, DIGITS, Press("42#"), Pause(300), Hangup())
    log = (clean_lab.pbx.directory / "log/full").read_text()
    assert "sandbox read 42 from +4930123456" in log


def test_the_caller_interrupts_at_the_time_it_was_told_to(clean_lab: Lab, run: Any) -> None:
    result = call(clean_lab, run, SPEAKER, Say("stop", interrupt_after_ms=600), Hangup())
    started, says = result.first(CallerEventKind.AGENT_STARTED), result.first(CallerEventKind.SAYS)
    assert started is not None
    assert says is not None
    assert 0.6 <= says.at_s - started.at_s < 0.75
    assert result.problem == ""


def test_a_turn_too_short_to_interrupt_is_named(clean_lab: Lab, run: Any) -> None:
    result = call(clean_lab, run, SPEAKER, Say("stop", interrupt_after_ms=3500))
    assert result.problem == "step 1: the agent's turn was over before it could be interrupted"


def test_several_callers_at_once(clean_lab: Lab, run: Any) -> None:
    async def main() -> list[CallerResult]:
        scenario = Scenario(ECHO, (Say("good morning"), Pause(200)))
        return list(await asyncio.gather(*(place_call(clean_lab, scenario) for _ in range(4))))

    for result in run(main()):
        recording = result.recording
        likeness, lag_ms = best_match(recording.caller, recording.agent, recording.rate_hz)
        assert result.problem == ""
        assert likeness > 0.95
        assert lag_ms < 100


def test_an_unknown_number_is_a_problem_not_an_error(clean_lab: Lab, run: Any) -> None:
    result = call(clean_lab, run, NOBODY, Wait(Awaited.AGENT_STARTS, 5))
    assert result.problem == "dialling: the call ended (Unallocated (unassigned) number)"
    assert kinds(result) == [CallerEventKind.DIALLED, CallerEventKind.HUNG_UP]


def test_an_agent_that_stays_silent_is_named(clean_lab: Lab, run: Any) -> None:
    result = call(clean_lab, run, ECHO, Pause(50), Wait(Awaited.AGENT_STARTS, 0.3), Say("hello"))
    assert result.problem == "step 2: the agent did not speak within 0.3 s"


def test_a_codec_that_the_pbx_lacks_is_named(lab: Lab, run: Any) -> None:
    with pytest.raises(SandboxError, match=r"codec: this Asterisk has no g729"):
        call(lab, run, ECHO, Hangup(), codec="g729")


def best_match(caller: Pcm16, agent: Pcm16, rate_hz: int) -> tuple[float, float]:
    """How like the two are at the lag that suits them best (1 is the same), and that lag in ms."""
    left, right = caller.astype(float), agent.astype(float)
    spectrum = np.fft.rfft(right, 2 * len(right)) * np.conj(np.fft.rfft(left, 2 * len(left)))
    likeness = np.fft.irfft(spectrum)[: len(right)]
    lag = int(np.argmax(likeness))
    return float(likeness[lag] / np.sqrt((left @ left) * (right @ right))), 1000 * lag / rate_hz
