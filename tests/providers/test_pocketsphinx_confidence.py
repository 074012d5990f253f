from __future__ import annotations

from dataclasses import replace

from ari_bridge.providers.stt.pocketsphinx_confidence import Segment, confidence, fit_of

_DICTIONARY = {"tell": ["T EH L"], "me": ["M IY"], "the": ["DH AH", "DH IY"]}
_GOOD = [
    Segment("<sil>", 40, 40.0),
    Segment("tell", 25, 60.0),
    Segment("me", 16, 30.0),
    Segment("the(2)", 16, 30.0),
    Segment("<sil>", 50, 50.0),
]


def _confidence(segments: list[Segment], *, is_completed: bool = False) -> float:
    fit = fit_of(segments, _DICTIONARY, is_completed=is_completed)
    assert fit is not None
    return confidence(fit)


def test_a_sentence_that_lies_well_on_the_sound_is_believed() -> None:
    assert _confidence(_GOOD) > 0.95


def test_each_sign_of_other_speech_takes_away_confidence() -> None:
    good = _confidence(_GOOD)
    lossy = [replace(s, lost=s.lost * 5) if not s.is_pause else s for s in _GOOD]
    gap = [*_GOOD[:2], Segment("<sil>", 30, 200.0), *_GOOD[2:]]
    speech_before = [Segment("<sil>", 40, 400.0), *_GOOD[1:]]
    hurried = [_GOOD[0], Segment("tell", 7, 17.0), *_GOOD[2:]]
    for worse in (lossy, gap, speech_before, hurried):
        assert _confidence(worse) < good
    assert _confidence(_GOOD, is_completed=True) < good
    assert _confidence(lossy) < 0.5


def test_pauses_alone_fit_nothing_and_absurd_losses_do_not_overflow() -> None:
    assert fit_of([Segment("<sil>", 40, 40.0)], _DICTIONARY, is_completed=False) is None
    assert _confidence([replace(s, lost=1e9) for s in _GOOD]) < 1e-9
