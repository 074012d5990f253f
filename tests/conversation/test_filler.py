"""A filler gives way to what it fills in for."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.conversation.cascade.filler import FINISHED_S, FillerAudio
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.providers.base import Speech, WordTime
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import PatienceSettings
from tests.conversation.fakes import WORD_S, Says, Scene

RATE_HZ = 8000
WORD = round(WORD_S * RATE_HZ)


def audio(words: int, *, timed: bool = True) -> FillerAudio:
    times = tuple(WordTime(4 * n, 4 * n + 3, n * WORD, (n + 1) * WORD) for n in range(words))
    pcm = np.arange(words * WORD, dtype=np.int16)
    half = len(pcm) // 2
    return FillerAudio([Speech(pcm[:half], times if timed else ()), Speech(pcm[half:])], RATE_HZ)


def test_nobody_waits_and_all_of_it_is_said_word_by_word() -> None:
    filler, said = audio(5), []
    while (piece := filler.next(is_wanted_no_more=False)) is not None:
        said.append(piece)
    assert [len(piece.pcm) for piece in said] == [WORD] * 5
    assert np.array_equal(np.concatenate([p.pcm for p in said]), np.arange(5 * WORD, dtype=np.int16))
    assert [len(piece.words) for piece in said] == [1] * 5


def test_what_is_wanted_no_more_before_it_began_is_not_said() -> None:
    assert audio(2).next(is_wanted_no_more=True) is None


def test_a_long_rest_is_broken_off_and_a_short_one_is_said() -> None:
    filler = audio(10)
    for _ in range(3):
        assert filler.next(is_wanted_no_more=False) is not None
    assert filler.next(is_wanted_no_more=True) is None
    filler = audio(10)
    for _ in range(7):
        assert filler.next(is_wanted_no_more=False) is not None
    rest = filler.next(is_wanted_no_more=True)
    assert rest is not None
    assert len(rest.pcm) == 3 * WORD <= FINISHED_S * RATE_HZ
    assert filler.next(is_wanted_no_more=True) is None


def test_without_word_times_it_is_one_piece() -> None:
    piece = audio(10, timed=False).next(is_wanted_no_more=False)
    assert piece is not None
    assert len(piece.pcm) == 10 * WORD


LONG = "One moment please I am looking that up for you in our very large book."
DWELL_S = 1.0


@pytest.mark.parametrize("answer_after_s", [1.2, 1.9, 2.5, 3.1, 4.2])
def test_the_answer_waits_for_a_second_at_most(answer_after_s: float) -> None:
    patience = PatienceSettings(filler_after_s=DWELL_S, fillers=(LONG,), check_ins=())
    scene = Scene(
        [Says(2.0, "where is my order")],
        lambda history: [answer_after_s, "It is on its way."],
        patience=patience,
        tts_cost_s=0.0,
        hangs_up_at_s=20.0,
    )
    run(scene.play())
    assert scene.told(LiveKind.AGENT_SAYS)[1:] == [LONG, "It is on its way."]
    says = {event.text: event.at_s for event in scene.live if event.kind is LiveKind.AGENT_SAYS}
    asked_s = says[LONG] - DWELL_S
    waited_s = says["It is on its way."] - asked_s - answer_after_s
    assert waited_s < FINISHED_S + WORD_S + 0.1
    answer = scene.conversation.line.turns[-1]
    assert (answer.text, answer.heard, answer.interrupted) == ("It is on its way.",) * 2 + (False,)
    assert scene.port.queued % WORD == 0  # no word was cut in two
    assert scene.port.flushes == []
