"""Whole calls with an engine that hears and speaks itself, on a clock that jumps."""

from __future__ import annotations

from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.scenario.virtual_time import run
from tests.conversation.fakes import Says
from tests.conversation.speech_scene import SpeechScene

GONE = Outcome(Status.HANGUP, "CALLER")
LONG = "We were founded long ago. " + "We have grown ever since and we are proud of it. " * 6


def play(scene: SpeechScene) -> SpeechScene:
    return run(scene.play())


def test_a_call_from_greeting_to_hang_up() -> None:
    scene = play(SpeechScene([Says(2.0, "hello"), Says(6.0, "and thanks")]))
    assert scene.outcome == GONE
    assert scene.turns == [
        ("agent", "Hello there."),
        ("caller", "hello"),
        ("agent", "You said hello."),
        ("caller", "and thanks"),
        ("agent", "You said and thanks."),
    ]
