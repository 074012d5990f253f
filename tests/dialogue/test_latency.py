from __future__ import annotations

import pytest

from ari_bridge.core.audio import Onset
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.latency import Stamp, Waterfall, metrics_ms, timing
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench


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


def test_the_delays_have_the_names_of_the_field() -> None:
    latency_ms = {
        "end_of_turn": 500.0,
        "transcript": 520.0,
        "model_asked": 520.0,
        "first_token": 720.0,
        "first_sentence": 800.0,
        "first_audio": 890.5,
        "first_packet": 905.0,
    }
    assert metrics_ms(latency_ms) == {
        "end_of_utterance_delay": 500.0,
        "transcription_delay": 520.0,
        "ttft": 200.0,
        "ttfb": 90.5,
        "e2e": 905.0,
    }
    assert timing(metrics_ms(latency_ms)).startswith("e2e 905 ms (end_of_utterance_delay 500, ")


def test_delays_whose_ends_are_not_known_are_left_out() -> None:
    assert metrics_ms({"end_of_turn": 500.0, "first_token": 600.0}) == {"end_of_utterance_delay": 500.0}
    assert metrics_ms({}) == {}
    assert timing({}) == "e2e unknown"


def test_the_first_packet_is_when_it_left_not_when_it_was_noticed() -> None:
    bench = Bench(speaks_by_itself=False)
    bench.says("hello")
    bench.replies("Hi there. And welcome.")
    bench.speak_one()
    noticed_s = bench.now + 0.4
    bench.heard, bench.now = 800, noticed_s
    bench.feed(s.Played(800, Onset(0, noticed_s - 0.35)))
    (figures,) = bench.timed
    bench.speak_one()
    bench.wait(3.0)
    turn = bench.session.finished[-1]
    assert turn.start_s == pytest.approx(noticed_s - 0.35)
    voiced_s = bench.session.finished[-2].end_s
    assert turn.latency_ms["first_packet"] == pytest.approx((turn.start_s - voiced_s) * 1000, abs=0.1)
    assert figures["e2e"] == turn.latency_ms["first_packet"]
    assert len(bench.timed) == 1


def test_a_model_that_was_asked_early_shows_so() -> None:
    bench = Bench(TurnSettings(eager=True))
    bench.voice(1.0)
    bench.understood_so_far("what time do you open")
    bench.wait(0.06)
    assert bench.rounds
    bench.feed(s.ReplyText(bench.rounds[-1].round, "We open "))
    bench.wait(0.5)
    bench.understood("what time do you open")
    bench.feed(s.ReplyText(bench.rounds[-1].round, "at nine."))
    bench.feed(s.ReplyEnded(bench.rounds[-1].round))
    bench.wait(2.0)
    latency = bench.session.finished[-1].latency_ms
    assert latency["model_asked"] < latency["first_token"] < latency["end_of_turn"]
    assert latency["end_of_turn"] <= latency["first_sentence"]
