"""Fillers, check-ins and the polite end."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.dialogue.patience import Kind, Patience, PatienceTimes, Prompt

TIMES = PatienceTimes(filler_after_s=1.5, filler_every_s=6.0, no_input_s=8.0)
FILLERS = ("One moment.", "Still looking.")
CHECK_INS = ("Are you still there?", "Hello?")


@pytest.fixture
def patience() -> Patience:
    return Patience(TIMES, fillers=FILLERS, check_ins=CHECK_INS, farewell="Goodbye.")


def test_a_quick_answer_needs_no_filler(patience: Patience) -> None:
    patience.answer_awaited(10.0)
    assert patience.next_timer() == 11.5
    assert patience.due(11.4) is None
    patience.answered()
    assert patience.next_timer() == math.inf
    assert patience.due(60.0) is None


def test_fillers_come_after_a_dwell_and_take_turns_over_the_call(patience: Patience) -> None:
    patience.answer_awaited(10.0)
    assert patience.due(11.5) == Prompt(Kind.FILLER, "One moment.")
    assert patience.next_timer() == 17.5
    patience.filler_heard(12.5)
    assert patience.next_timer() == 18.5
    assert patience.due(18.5) == Prompt(Kind.FILLER, "Still looking.")
    patience.answered()
    patience.answer_awaited(30.0)
    assert patience.due(31.5) == Prompt(Kind.FILLER, "One moment.")


def test_waiting_told_twice_is_one_wait(patience: Patience) -> None:
    patience.answer_awaited(10.0)
    patience.answer_awaited(11.0)
    assert patience.next_timer() == 11.5


def test_silence_is_asked_about_and_ends_politely(patience: Patience) -> None:
    patience.listening(0.0)
    assert patience.due(8.0) == Prompt(Kind.CHECK_IN, "Are you still there?")
    assert patience.next_timer() == math.inf  # it is being said
    patience.listening(10.0)
    assert patience.due(18.0) == Prompt(Kind.CHECK_IN, "Hello?")
    patience.listening(19.0)
    assert patience.due(27.0) == Prompt(Kind.GIVE_UP, "Goodbye.")
    assert patience.due(100.0) is None


def test_a_sign_of_the_caller_starts_the_check_ins_anew(patience: Patience) -> None:
    patience.listening(0.0)
    patience.due(8.0)
    patience.caller_active()
    assert patience.next_timer() == math.inf
    patience.listening(20.0)
    assert patience.due(28.0) == Prompt(Kind.CHECK_IN, "Are you still there?")


def test_the_agent_s_words_do_not(patience: Patience) -> None:
    patience.listening(0.0)
    patience.due(8.0)
    patience.answer_awaited(9.0)
    patience.answered()
    patience.listening(12.0)
    assert patience.due(20.0) == Prompt(Kind.CHECK_IN, "Hello?")


def test_hold_stops_the_clock(patience: Patience) -> None:
    patience.listening(0.0)
    patience.suspend()
    assert patience.next_timer() == math.inf
    assert patience.due(50.0) is None
    patience.resume(60.0)
    assert patience.next_timer() == 68.0


def test_what_is_switched_off_never_comes() -> None:
    nobody = Patience(
        PatienceTimes(no_input_s=math.inf), fillers=(), check_ins=CHECK_INS, farewell="Goodbye."
    )
    nobody.answer_awaited(0.0)
    assert nobody.next_timer() == math.inf
    nobody.answered()
    nobody.listening(0.0)
    assert nobody.due(1e6) is None


EVENTS = ("caller", "awaited", "answered", "listening", "suspend", "resume", "filler heard", "due")


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0, 10)), max_size=60))
def test_whatever_happens_it_asks_each_question_once_and_gives_up_once(
    steps: list[tuple[str, float]],
) -> None:
    patience = Patience(TIMES, fillers=FILLERS, check_ins=CHECK_INS, farewell="Goodbye.")
    now, said = 0.0, 0
    for event, after_s in steps:
        now += after_s
        match event:
            case "caller":
                patience.caller_active()
                said = 0
            case "awaited":
                patience.answer_awaited(now)
            case "answered":
                patience.answered()
            case "listening":
                patience.listening(now)
            case "suspend":
                patience.suspend()
            case "resume":
                patience.resume(now)
            case "filler heard":
                patience.filler_heard(now)
            case "due":
                timer = patience.next_timer()
                prompt = patience.due(now)
                assert (prompt is None) == (now < timer)
                if prompt is not None and prompt.kind is Kind.CHECK_IN:
                    assert prompt.text == CHECK_INS[said]
                    said += 1
                elif prompt is not None and prompt.kind is Kind.GIVE_UP:
                    assert said == len(CHECK_INS)
