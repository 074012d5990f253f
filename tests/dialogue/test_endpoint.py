from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ari_bridge.dialogue.endpoint import AdaptiveEndOfTurn, EndOfTurn, FixedEndOfTurn, OpenTurn, end_of_turn
from ari_bridge.dialogue.languages.registry import all_languages, language
from ari_bridge.dialogue.pauses import PAUSE_MAX_MS, Pauses
from ari_bridge.dialogue.question import Kind, Question
from ari_bridge.settings import TurnSettings

YES_OR_NO = Question(Kind.YES_OR_NO)


def english(end_ms: float = 500, min_ms: float = 250, max_ms: float = 2000) -> AdaptiveEndOfTurn:
    return AdaptiveEndOfTurn(language("en"), end_ms=end_ms, min_ms=min_ms, max_ms=max_ms)


@pytest.mark.parametrize("end_ms", [250, 500, 700, 2000])
def test_of_a_stranger_who_said_nobody_knows_what_the_configured_silence_is_waited(end_ms: float) -> None:
    assert english(end_ms).wait(OpenTurn()).end_ms == pytest.approx(end_ms)
    assert english(end_ms).wait(OpenTurn("my parcel is broken", 2.0)).end_ms == pytest.approx(end_ms)


def test_what_was_said_puts_the_waits_in_order() -> None:
    end = english()
    waits = [
        end.wait(OpenTurn("yes please", 0.3, YES_OR_NO)).end_ms,
        end.wait(OpenTurn("what time do you open", 1.0)).end_ms,
        end.wait(OpenTurn("my parcel is broken", 1.0)).end_ms,
        end.wait(OpenTurn("four seven one", 1.0, Question(Kind.NUMBER))).end_ms,
        end.wait(OpenTurn("my number is", 1.0)).end_ms,
        end.wait(OpenTurn("my number is uhm", 1.0)).end_ms,
    ]
    assert waits == sorted(waits)
    assert waits[0] <= 300
    assert waits[1] <= 300
    assert waits[4] >= 900


def test_a_caller_who_pauses_long_is_waited_for_longer_and_a_brisk_one_shorter() -> None:
    slow, brisk = english(), english()
    for _ in range(8):
        slow.went_on(600)
        brisk.went_on(180)
        brisk.ended()
    plain = OpenTurn("my parcel is broken", 1.0)
    assert slow.wait(plain).end_ms > 900
    assert brisk.wait(plain).end_ms < 420


def test_a_caller_who_never_pauses_is_waited_for_less() -> None:
    end = english()
    before_ms = end.wait(OpenTurn()).end_ms
    for _ in range(6):
        end.ended()
    assert before_ms * 0.6 < end.wait(OpenTurn()).end_ms < before_ms * 0.9


def test_who_tells_a_story_is_given_time() -> None:
    assert english().wait(OpenTurn(None, 15.0)).end_ms > 1.15 * english().wait(OpenTurn(None, 2.0)).end_ms


def test_words_that_the_recogniser_may_take_back_count_for_less() -> None:
    end = english()
    for text in ("what are your opening hours", "my number is"):
        sure = end.wait(OpenTurn(text)).end_ms
        unsure = end.wait(OpenTurn(text, is_sure=False)).end_ms
        nothing = end.wait(OpenTurn()).end_ms
        assert min(sure, nothing) < unsure < max(sure, nothing)


def test_who_never_pauses_is_answered_sooner_where_the_words_tell_nothing() -> None:
    end, plain = english(), OpenTurn("my parcel is broken", 1.0)
    before_ms = end.wait(plain).end_ms
    for _ in range(6):
        end.ended()
    assert end.wait(plain).end_ms < 0.9 * before_ms


def test_one_long_pause_counts_for_the_next() -> None:
    end, plain = english(), OpenTurn("my parcel is broken", 1.0)
    before_ms = end.wait(plain).end_ms
    end.went_on(before_ms * 1.5)  # taken for finished, and it was not
    assert end.wait(plain).end_ms > 1.2 * before_ms


def test_by_default_few_callers_are_cut_off_at_pauses_of_their_own() -> None:
    """Of a caller who pauses as people do (median 400 ms), at places where the words show nothing."""
    generator = np.random.default_rng(7)
    end = end_of_turn(TurnSettings(), language("en"))
    plain, cut = OpenTurn("my parcel is broken", 1.0), 0
    for pause_ms in np.exp(generator.normal(np.log(400), 0.5, 400)):
        cut += pause_ms > end.wait(plain).end_ms
        end.went_on(float(pause_ms))
        end.ended()
    assert cut <= 0.05 * 400


def test_a_model_takes_the_place_of_the_text() -> None:
    end = english()
    assert end.wait(OpenTurn("and", 1.0, ends=0.95)).end_ms == 250
    assert end.wait(OpenTurn("that is all thank you", 1.0, ends=0.05)).end_ms > 900
    assert end.wait(OpenTurn("and", 1.0, ends=0.5)).end_ms == pytest.approx(500)


def test_the_end_is_likely_before_it_is_certain() -> None:
    wait = english().wait(OpenTurn("my parcel is broken", 1.0))
    assert 100 <= wait.eager_ms < 0.5 * wait.end_ms


def test_fixed_is_fixed() -> None:
    end: EndOfTurn = FixedEndOfTurn(700)
    end.went_on(2000)
    end.ended()
    for turn in (OpenTurn(), OpenTurn("and", 9.0), OpenTurn("yes", 0.2, YES_OR_NO, ends=1.0)):
        assert end.wait(turn).end_ms == end.wait(turn).eager_ms == 700


def test_bounds_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="min_ms <= end_ms"):
        english(end_ms=100)


_TURNS = st.builds(
    OpenTurn,
    st.none()
    | st.text()
    | st.lists(st.sampled_from(["and", "yes", "uhm", "four", "12", "is", "what", "?", ",", "…"])).map(
        " ".join
    ),
    st.floats(0, 1000),
    st.builds(Question, st.sampled_from(Kind), st.integers(0, 20), st.integers(0, 20)),
    st.none() | st.floats(0, 1),
)
_PAST = st.lists(st.none() | st.floats(0, 1e5), max_size=60)


@given(
    st.sampled_from([*sorted(all_languages()), "xx"]), _PAST, _TURNS, st.floats(100, 1000), st.floats(1, 8)
)
def test_whatever_happens_the_bounds_hold(
    code: str, past: list[float | None], turn: OpenTurn, min_ms: float, ratio: float
) -> None:
    end = AdaptiveEndOfTurn(language(code), end_ms=min_ms * ratio, min_ms=min_ms, max_ms=min_ms * ratio * 2)
    for pause_ms in past:
        if pause_ms is None:
            end.ended()
        else:
            end.went_on(pause_ms)
    wait = end.wait(turn)
    assert min_ms <= wait.end_ms <= min_ms * ratio * 2
    assert 0 < wait.eager_ms <= wait.end_ms


@given(st.floats(100, PAUSE_MAX_MS), st.lists(st.floats(100, PAUSE_MAX_MS), max_size=10))
def test_longer_pauses_never_shorten_the_wait(last_ms: float, before: list[float]) -> None:
    """Of two callers with the same past, the one whose latest pause was the longer is waited for as long, or
    longer, in the middle of the distribution."""
    one, other = Pauses(220), Pauses(220)
    for pause_ms in before:
        one.went_on(pause_ms)
        other.went_on(pause_ms)
    one.went_on(last_ms)
    other.went_on(min(last_ms * 1.5, PAUSE_MAX_MS))
    assert one.median_ms <= other.median_ms * (1 + 1e-9)


def test_pauses_are_learnt_as_they_are() -> None:
    generator = np.random.default_rng(4)
    pauses = Pauses(220)
    for pause_ms in np.exp(generator.normal(np.log(500), 0.5, 400)):
        pauses.went_on(float(pause_ms))
    assert pauses.median_ms == pytest.approx(500, rel=0.3)
    assert pauses.spread == pytest.approx(0.5, rel=0.4)


def test_settings_choose() -> None:
    plain = OpenTurn("and", 1.0)
    fixed = end_of_turn(TurnSettings(end_of_turn="fixed", end_of_turn_ms=400), language("en"))
    assert fixed.wait(plain).end_ms == 400
    free = end_of_turn(TurnSettings(end_of_turn_ms=400), language("en"))
    assert free.wait(plain).end_ms > 700
    bounded = end_of_turn(TurnSettings(end_of_turn_ms=400, end_of_turn_max_ms=600), language("en"))
    assert bounded.wait(plain).end_ms == 600
    with pytest.raises(ValidationError, match="end_of_turn_min_ms <= end_of_turn_ms"):
        TurnSettings(end_of_turn_ms=400, end_of_turn_min_ms=500)
