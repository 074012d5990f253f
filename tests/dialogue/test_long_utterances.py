"""A voice that never falls silent is transcribed in pieces, and none of its words is lost."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.caller_side import OVERLAP_S, PREROLL_S
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

LIMIT_S = 10.0


def listening() -> Bench:
    bench = Bench(TurnSettings(end_of_turn="fixed", utterance_max_s=LIMIT_S))
    bench.greet("Hello.")
    bench.wait(1.0)
    return bench


def transcribe(bench: Bench, *texts: str) -> None:
    for utterance, text in zip(bench.closed, texts, strict=True):
        bench.feed(s.Transcribed(utterance, text))
    bench.closed.clear()


def test_it_goes_on_in_the_next_utterance_of_the_same_turn() -> None:
    bench = listening()
    bench.voice_on()
    began_s = bench.now
    bench.hold_voice(25.0)
    starts = [utterance.from_s for utterance in bench.opened]
    assert len(starts) == 3
    assert len(bench.closed) == 2
    # Each begins before the one before it ended: no audio is in neither.
    ends = [began_s + LIMIT_S, began_s + 2 * LIMIT_S]
    for end_s, start_s in zip(ends, starts[1:], strict=True):
        assert abs(end_s - OVERLAP_S - start_s) < 0.1
    assert bench.state is State.CALLER_SPEAKING
    bench.voice_off()
    bench.wait(1.0)
    transcribe(bench, "one two three", "three four five", "Five. six")
    assert bench.history[-1] == "caller: one two three four five six"
    assert len(bench.rounds) == 1


def test_near_the_limit_a_pause_is_where_it_ends() -> None:
    bench = listening()
    bench.voice(8.0)
    bench.wait(0.1)
    assert len(bench.opened) == 1
    bench.voice_on()
    assert len(bench.opened) == 2
    assert bench.opened[1].from_s > bench.now - PREROLL_S - 0.2  # nothing twice: the cut is in the silence
    bench.hold_voice(1.0)
    bench.voice_off()
    bench.wait(1.0)
    transcribe(bench, "one two two", "two three")
    assert bench.history[-1] == "caller: one two two two three"


def test_a_pause_before_that_cuts_nothing() -> None:
    bench = listening()
    bench.voice(4.0)
    bench.wait(0.1)
    bench.voice(2.0)
    assert len(bench.opened) == 1


def test_what_is_understood_late_still_belongs_to_the_turn() -> None:
    bench = listening()
    bench.voice_on()
    bench.hold_voice(12.0)
    bench.voice_off()
    bench.wait(1.0)
    first, second = bench.closed
    bench.feed(s.Transcribed(second, "and then"))
    assert bench.rounds == []  # the first piece is still to come
    bench.feed(s.Transcribed(first, "listen"))
    assert bench.history[-1] == "caller: listen and then"


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.lists(st.integers(1, 4), max_size=4))
def test_cut_anywhere_the_words_are_the_same(text: list[str], sizes: list[int]) -> None:
    """Each piece hears the word at its cut whole, and the one before may have heard it too."""
    cuts = [0, *itertools.takewhile(lambda at: at < len(text), itertools.accumulate(sizes)), len(text)]
    turn = CallerTurn(0.0)
    for number, (begin, end) in enumerate(itertools.pairwise(cuts)):
        turn.open_utterance(number, goes_on=number > 0)
        heard = text[max(0, begin - 1) if number else begin : end]
        turn.understood(number, " ".join(heard))
    assert turn.text == " ".join(text)
