"""One call's recogniser: pocketsphinx with a grammar, made fit for telephone speech. Blocking; no asyncio.

What was found by measuring with synthetic speech through 8 kHz µ-law (docs/offline-providers.md):

- The model wants 16 kHz. Speech brought from 8 to 16 kHz is understood; a filter bank cut at 3.5 kHz instead
  understands almost nothing.
- It subtracts a running mean from the cepstra, and starts from a mean that does not fit telephone speech:
  without a better start the first sentences of a call are lost (8 of 30 understood instead of 29).
- Wideband calls are brought down to 8 kHz first: as many sentences are understood, and it does not matter
  whether a wideband leg really carries wideband speech.
- Speech on digital silence is taken for something else: a little noise makes it speech in a room.
- A sentence needs silence after it: its end is found by it. With 200 to 300 ms, as an early end of turn
  leaves them, half of the sentences lose their confidence; 400 ms more, made here, bring it back.
- A grammar forces whatever is said into one of its sentences: pocketsphinx_confidence.py tells what to doubt.
  (A loop of all phones beside the sentences, the usual garbage path, cost ten times the CPU.)
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pocketsphinx

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.media.resample import Resampler
from ari_bridge.providers.stt.pocketsphinx_confidence import Segment, confidence, fit_of
from ari_bridge.providers.stt.pocketsphinx_grammar import (
    FINAL_STATE,
    START_STATE,
    Grammar,
    build_grammar,
    read_dictionary,
)

_TELEPHONE_RATE_HZ, _MODEL_RATE_HZ = 8000, 16000
_TELEPHONE_MEAN = "47,23,-35,49,-27,5,2,-32,19,-11,7,-1,0"
"""The mean of the cepstra of telephone speech, brought to 16 kHz."""
_BEAM, _WORD_BEAM = 1e-60, 1e-40
"""Wider than pocketsphinx's own: a small grammar costs little, and a pruned sentence is a lost one."""
_NOISE_RMS = 20.0
_TARGET_RMS = 6000.0
_GAIN_MIN, _GAIN_MAX = 0.5, 20.0
_VOICED_RMS = 120.0
_LEVEL_VOICED_FRAMES, _LEVEL_FRAMES = 10, 50
"""An utterance's level is set when so many 20 ms frames had voice, or so many had passed at all; the decoder
then catches up at once."""
_MOST_LOST = 700.0
"""Where pocketsphinx's score of a segment underflows a double."""
_SILENCE_AFTER_MS = 400
_NOTHING: Pcm16 = np.zeros(0, dtype=np.int16)


@dataclass(frozen=True, slots=True)
class Understood:
    text: str
    confidence: float
    """0..1; see pocketsphinx_confidence.py."""


def model_path(name: str) -> str:
    return str(Path(pocketsphinx.get_model_path()) / "en-us" / name)


@lru_cache(maxsize=1)
def dictionary() -> dict[str, list[str]]:
    """The bundled CMU dictionary, some 130 000 words; takes 0.1 s once."""
    return read_dictionary(Path(model_path("cmudict-en-us.dict")))


class Recogniser:
    def __init__(self, rate_hz: int, phrases: Iterable[str], extra_words: Mapping[str, str]) -> None:
        """`extra_words`: {word: its CMU phones}. Sentences with an unknown word are left out. Raises
        ValueError when none is left."""
        known = ChainMap({word: [phones] for word, phones in extra_words.items()}, dictionary())
        self.grammar = build_grammar(phrases, known)
        if not self.grammar.sentences:
            missing = ", ".join(self.grammar.unknown_words)
            raise ValueError(f"every expected phrase has a word without a pronunciation ({missing})")
        self._pronunciations = {word: known[word] for word in self.grammar.words}
        self._decoder = _decoder(self.grammar, self._pronunciations)
        self._to_telephone = Resampler(rate_hz, _TELEPHONE_RATE_HZ)
        self._to_model = Resampler(_TELEPHONE_RATE_HZ, _MODEL_RATE_HZ)
        self._noise = np.random.default_rng(0)
        self._is_open = False
        self._waiting = _NOTHING
        self._gain = 0.0

    def start(self) -> None:
        self.cancel()
        self._waiting, self._gain = _NOTHING, 0.0
        self._to_telephone.reset()
        self._to_model.reset()
        self._decoder.start_utt()
        self._is_open = True

    def feed(self, pcm: Pcm16) -> None:
        """Decode one more piece of the utterance; shape (samples,), at the call's rate."""
        if not self._is_open:
            return
        pcm = self._to_telephone.process(pcm)
        if self._gain == 0.0:
            self._waiting = np.concatenate((self._waiting, pcm))
            if not self._set_level(is_last=False):
                return
            pcm = self._waiting
        self._decode(pcm)

    def partial(self) -> str:
        """The best guess so far."""
        hypothesis = self._decoder.hyp() if self._is_open and self._gain else None
        return str(hypothesis.hypstr) if hypothesis is not None else ""

    def finish(self) -> Understood:
        """Close the utterance: the sentence of the grammar that was said, or "" where none was."""
        if not self._is_open:
            return Understood("", 0.0)
        if self._set_level(is_last=True):
            self._decode(self._waiting)
        self._decode(np.zeros(samples(_SILENCE_AFTER_MS, _TELEPHONE_RATE_HZ), dtype=np.int16))
        self.cancel()
        hypothesis = self._decoder.hyp()
        words = str(hypothesis.hypstr) if hypothesis is not None else ""
        sentence = self.grammar.complete(words)
        if not sentence:
            return Understood("", 0.0)
        fit = fit_of(self._segments(), self._pronunciations, is_completed=sentence != words)
        return Understood(sentence, confidence(fit) if fit is not None else 0.0)

    def cancel(self) -> None:
        if self._is_open:
            self._decoder.end_utt()
            self._is_open = False

    def _set_level(self, *, is_last: bool) -> bool:
        """Fix the utterance's gain by its loudest frames so far. False: it was fixed before, or it is too
        early."""
        frame = samples(20, _TELEPHONE_RATE_HZ)
        frames = self._waiting[: len(self._waiting) // frame * frame].reshape(-1, frame).astype(np.float64)
        if self._gain or not len(frames):
            return False
        rms = np.sqrt(np.mean(frames**2, axis=1))
        voiced = rms[rms > _VOICED_RMS]
        if len(voiced) < _LEVEL_VOICED_FRAMES and len(frames) < _LEVEL_FRAMES and not is_last:
            return False
        wanted = _TARGET_RMS / float(voiced.max()) if len(voiced) else 1.0
        self._gain = min(_GAIN_MAX, max(_GAIN_MIN, wanted))
        return True

    def _decode(self, pcm: Pcm16) -> None:
        lively = pcm * self._gain + self._noise.normal(0.0, _NOISE_RMS, len(pcm))
        shaped = np.clip(np.rint(lively), -32768, 32767).astype(np.int16)
        wide = self._to_model.process(shaped)
        if len(wide):
            self._decoder.process_raw(wide.tobytes())

    def _segments(self) -> list[Segment]:
        return [
            Segment(
                segment.word,
                segment.end_frame - segment.start_frame + 1,
                -math.log(segment.ascore) if segment.ascore > 0 else _MOST_LOST,
            )
            for segment in self._decoder.seg()
        ]


def _decoder(grammar: Grammar, pronunciations: Mapping[str, list[str]]) -> pocketsphinx.Decoder:
    """A decoder that knows the grammar's words only: 40 ms and 5 MB, a tenth of the whole dictionary's."""
    decoder = pocketsphinx.Decoder(
        hmm=model_path("en-us"),
        dict="/dev/null",
        lm=None,
        samprate=_MODEL_RATE_HZ,
        cmninit=_TELEPHONE_MEAN,
        beam=_BEAM,
        pbeam=_BEAM,
        wbeam=_WORD_BEAM,
        loglevel="FATAL",
    )
    for word in sorted(grammar.words):
        for number, phones in enumerate(pronunciations[word], start=1):
            decoder.add_word(word if number == 1 else f"{word}({number})", phones, False)
    if grammar.transitions:
        fsg = decoder.create_fsg("phrases", START_STATE, FINAL_STATE, grammar.transitions)
        decoder.add_fsg("phrases", fsg)
        decoder.activate_search("phrases")
    return decoder
