from __future__ import annotations

from ari_bridge.dialogue.latency import Stamp, Waterfall


def test_the_first_stamp_of_a_kind_counts_in_ms_since_the_last_voiced_frame() -> None:
    waterfall = Waterfall(10.0)
    waterfall.mark(Stamp.FIRST_TOKEN, 10.75)
    waterfall.mark(Stamp.END_OF_TURN, 10.5)
    waterfall.mark(Stamp.FIRST_TOKEN, 11.0)
    assert list(waterfall.latency_ms().items()) == [("end_of_turn", 500.0), ("first_token", 750.0)]


def test_words_that_answer_nothing_have_no_latency() -> None:
    waterfall = Waterfall()
    waterfall.mark(Stamp.FIRST_AUDIO, 3.0)
    assert waterfall.latency_ms() == {}
