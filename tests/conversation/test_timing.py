"""What a call's record and its followers learn of how long the caller waited."""

from __future__ import annotations

import pytest

from ari_bridge.dialogue.live import LiveKind
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings
from tests.conversation.fakes import FIXED, Says, Scene


def test_delays_reach_the_record_and_whoever_follows_the_call() -> None:
    scene = run(Scene([Says(2.0, "hello")], agent=AgentSettings(turns=FIXED)).play())
    (answer,) = [turn for turn in scene.conversation.line.turns if turn.latency_ms]
    assert set(answer.metrics_ms) == {
        "end_of_utterance_delay",
        "transcription_delay",
        "ttft",
        "ttfb",
        "e2e",
    }
    assert answer.metrics_ms["e2e"] == answer.latency_ms["first_packet"]
    left_s = next(at_s for at_s, _ in scene.port.sent_at if at_s > 3.0)
    assert answer.start_ms == pytest.approx(left_s * 1000, abs=0.2)
    (timed,) = [event for event in scene.live if event.kind is LiveKind.ANSWER_TIMED]
    assert timed.figures == answer.metrics_ms
