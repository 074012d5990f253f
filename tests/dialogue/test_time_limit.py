"""A call that lasts as long as it may: the agent says goodbye, whatever is going on, and the call leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.call_time import LAST_WORDS_WITHIN_S
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turns import State
from tests.dialogue.bench import Bench

GOODBYE = "Our time is up. Goodbye."
LIMIT_S = 10.0


def bench(*, speaks_by_itself: bool = True) -> Bench:
    made = Bench(speaks_by_itself=speaks_by_itself, max_duration_s=LIMIT_S, goodbye=GOODBYE)
    made.greet("Hello there.")
    return made


def until_the_limit(b: Bench) -> None:
    b.wait(LIMIT_S - (b.now - 100.0) + 0.04)


def _silence(b: Bench) -> None:
    until_the_limit(b)


def _caller_speaks(b: Bench) -> None:
    b.wait(LIMIT_S - 1.0)
    b.voice(1.5)


def _caller_has_just_stopped(b: Bench) -> None:
    b.wait(LIMIT_S - 1.3)
    b.voice(1.0)
    until_the_limit(b)


def _agent_speaks(b: Bench) -> None:
    b.wait(LIMIT_S - 3.0)
    b.says("tell me everything")
    b.replies("Word after word. " * 20)
    until_the_limit(b)


def _model_thinks(b: Bench) -> None:
    b.wait(LIMIT_S - 2.0)
    b.says("tell me everything")
    until_the_limit(b)


@pytest.mark.parametrize(
    "scene", [_silence, _caller_speaks, _caller_has_just_stopped, _agent_speaks, _model_thinks]
)
def test_the_goodbye_is_heard_to_its_end_and_the_call_leaves(scene: Callable[[Bench], None]) -> None:
    b = bench()
    scene(b)
    assert b.left is None
    b.presses("1")  # nothing stops it
    b.wait(3.0)
    assert b.left == s.Leave(time_up=True)
    assert b.told_of(LiveKind.AGENT_SAYS)[-2:] == ["Our time is up.", "Goodbye."]
    assert b.session.finished[-1].heard == GOODBYE
    assert b.heard == b.queued
    assert not b.paused


def test_before_the_limit_nothing_happens() -> None:
    b = bench()
    b.wait(LIMIT_S - 0.1)
    assert b.state is State.LISTENING
    assert b.session.next_timer() == pytest.approx(100.0 + LIMIT_S)


def test_a_call_that_leaves_anyway_says_its_own_last_words() -> None:
    b = bench()
    b.wait(LIMIT_S - 1.0)
    b.feed(s.EngineFailed(s.Engine.LLM))
    b.settle()
    b.wait(5.0)
    assert b.left == s.Leave(s.Engine.LLM)
    assert GOODBYE not in b.session.finished[-1].text


def test_a_voice_that_hangs_does_not_keep_the_caller() -> None:
    """The engine never delivers the goodbye, and never fails."""
    b = bench(speaks_by_itself=False)
    until_the_limit(b)
    b.wait(LAST_WORDS_WITHIN_S - 1.0)
    assert b.left is None
    b.wait(1.1)
    assert b.left == s.Leave(time_up=True)


def test_without_an_end_no_timer_is_left() -> None:
    b = bench()
    until_the_limit(b)
    b.wait(3.0)
    assert b.session.next_timer() is None
