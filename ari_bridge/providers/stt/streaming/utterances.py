"""The caller's utterances on their way to a vendor, and its words on their way back. No I/O.

An utterance is kept, with its audio, until it is answered. A new connection gets all that is kept, from where
the vendor's settled words ended; so nothing is lost with a connection, and nothing is doubled.

    begun ──▶ audio ... ──▶ (caller stops) ──▶ finished ──▶ answered ──▶ told, in the order of the utterances

An utterance is answered when the vendor says that it is finished, or when settled words reach to its end, or,
with a vendor that may stay silent, when its time is up. What a vendor says later of an utterance that has
been answered belongs to nobody: positions in the audio, or the vendor's own numbers, tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum, auto
from typing import Literal, TypeAlias

import numpy as np

from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Heard, SttInput, Transcript, UtteranceStart
from ari_bridge.providers.stt.streaming.dialect import Finished, Manners, Words
from ari_bridge.providers.stt.streaming.utterance import BYTES, Utterance

KEPT_S = 120.0
"""Of one utterance that the vendor has not settled: more is not sent again after a broken connection."""
_NEAR_MS = 50
"""Vendors count in frames of their own."""


class Cue(Enum):
    BEGIN = auto()
    FINISH = auto()


Output: TypeAlias = Literal[Cue.BEGIN, Cue.FINISH] | Pcm16


class Utterances:
    """Of one call. Times in seconds, of one clock."""

    def __init__(self, rate_hz: int, manners: Manners, final_s: float) -> None:
        """`final_s`: how long after an utterance's finish its answer may take."""
        self._rate_hz, self._manners, self._final_s = rate_hz, manners, final_s
        self._chunk = samples(manners.chunk_ms, rate_hz)
        self._owed: list[Utterance] = []
        self._turns = 0
        self._position = 0
        """Of the next sample in the connection's audio."""
        self._transcripts: deque[Transcript] = deque()
        self._is_over = False

    # ------------------------------------------------------------------ from the call

    def hear(self, item: SttInput) -> bool:
        """Whether there may be something new to send."""
        if isinstance(item, UtteranceStart):
            self._owed.append(Utterance(item.utterance))
            return False
        if isinstance(item, Heard):
            if not self._owed or self._owed[-1].is_ended:
                return False  # of no utterance
            utterance = self._owed[-1]
            utterance.audio += item.pcm.tobytes()
            if len(utterance.audio) > KEPT_S * self._rate_hz * BYTES:
                utterance.forget(utterance.length - round(KEPT_S * self._rate_hz))
            return utterance.length - utterance.sent >= self._chunk
        if not any(utterance.number == item.utterance for utterance in self._owed):
            self._owed.append(Utterance(item.utterance))
        for utterance in self._owed:
            if utterance.number == item.utterance:
                utterance.is_ended = True
        self._tell()
        return True

    def end(self) -> None:
        """The call's audio has ended; an utterance in its middle will not be asked for."""
        self._is_over = True
        self._owed = [utterance for utterance in self._owed if utterance.is_ended]

    @property
    def is_done(self) -> bool:
        return self._is_over and not self._owed

    @property
    def is_quiet(self) -> bool:
        """Nothing is to be sent or waited for."""
        return not self._owed

    # ------------------------------------------------------------------ to the vendor

    def connected(self) -> None:
        """To a vendor that knows of nothing yet."""
        self._turns = self._position = 0
        for utterance in self._owed:
            utterance.disconnect()

    def output(self, now: float) -> Output | None:
        """What to send next: audio has shape (samples,). None: nothing for now."""
        for utterance in self._owed:
            if utterance.end is not None:
                if self._manners.one_by_one:
                    return None
                continue
            if utterance.answer is not None:
                continue
            if utterance.turn is None:
                if not utterance.length:
                    if utterance.is_ended:
                        continue  # it needs no vendor
                    return None
                if self._manners.once and self._turns:
                    return None
                utterance.turn, utterance.origin = self._turns, self._position - utterance.sent
                self._turns += 1
                return Cue.BEGIN
            return self._next_of(utterance, now)
        return None

    def _next_of(self, utterance: Utterance, now: float) -> Output | None:
        unsent = utterance.length - utterance.sent
        if unsent >= self._chunk or (unsent and utterance.is_ended):
            pcm = utterance.unsent(self._chunk)
            utterance.sent += len(pcm)
            short = samples(self._manners.least_ms, self._rate_hz) - len(pcm)
            return self._passed(np.pad(pcm, (0, short)) if short > 0 else pcm)
        if not utterance.is_ended:
            return None
        trailing = samples(self._manners.trailing_ms, self._rate_hz)
        if trailing and self._position < utterance.origin + utterance.length + trailing:
            return self._passed(np.zeros(trailing, np.int16))
        utterance.end = utterance.origin + utterance.length
        utterance.due_s = now + self._final_s
        if self._is_near(utterance.settled_samples, utterance.length):
            self._answer(utterance)
        return Cue.FINISH

    def silence(self, duration_ms: int) -> Pcm16:
        """To be sent between utterances."""
        return self._passed(np.zeros(samples(duration_ms, self._rate_hz), np.int16))

    @property
    def is_spent(self) -> bool:
        """The connection has served its utterance."""
        return self._manners.once and self._turns > 0 and all(u.turn is None for u in self._owed)

    def _passed(self, pcm: Pcm16) -> Pcm16:
        self._position += len(pcm)
        return pcm

    # ------------------------------------------------------------------ from the vendor

    def take(self, understood: Words | Finished) -> None:
        if isinstance(understood, Finished):
            for utterance in self._finished_by(understood):
                self._answer(utterance)
            return
        until = None if understood.until_s is None else round(understood.until_s * self._rate_hz)
        owner = self._owner(understood)
        if owner is not None:
            if understood.is_settled:
                owner.settle(understood, None if until is None else until - owner.origin)
            else:
                owner.tentative = understood if understood.text else None
            partial = owner.transcript(final=False)
            if partial.text and partial.text != owner.told:
                owner.told = partial.text
                self._transcripts.append(partial)
        if understood.is_settled and until is not None:
            for utterance in self._waiting():
                if self._is_near(until, utterance.end):
                    self._answer(utterance)

    def _owner(self, words: Words) -> Utterance | None:
        """Whose words these are; None for an utterance that has been answered."""
        begun = [u for u in self._owed if u.turn is not None]
        if words.turn is not None:
            begun = [u for u in begun if u.turn == words.turn]
        elif words.from_s is not None:
            at = round(words.from_s * self._rate_hz) + samples(_NEAR_MS, self._rate_hz)
            begun = [u for u in begun if u.origin <= at][-1:]
        else:
            begun = [u for u in begun if u.answer is None]
        return begun[0] if begun and begun[0].answer is None else None

    def _finished_by(self, finished: Finished) -> list[Utterance]:
        waiting = self._waiting()
        if finished.turn is not None:
            return [u for u in waiting if u.turn == finished.turn]
        if finished.until_s is not None:
            until = round(finished.until_s * self._rate_hz) - samples(_NEAR_MS, self._rate_hz)
            return [u for u in waiting if u.origin < until]
        return waiting[:1]

    def _waiting(self) -> list[Utterance]:
        return [u for u in self._owed if u.end is not None and u.answer is None]

    def _is_near(self, until: int, end: int | None) -> bool:
        return end is not None and until >= end - samples(_NEAR_MS, self._rate_hz)

    # ------------------------------------------------------------------ to the call

    @property
    def due_s(self) -> float | None:
        """When `expire` is to be asked next."""
        return min((u.due_s for u in self._waiting() if u.due_s is not None), default=None)

    def expire(self, now: float) -> None:
        """Raises ProviderError (retryable): an answer is late that should have come."""
        for utterance in self._waiting():
            if utterance.due_s is not None and utterance.due_s <= now:
                if self._manners.always_answers:
                    text = f"no transcript {self._final_s:g} s after the utterance"
                    raise ProviderError(text, retryable=True)
                self._answer(utterance)

    def transcripts(self) -> Iterator[Transcript]:
        """Those that are new; finals in the order of the utterances."""
        while self._transcripts:
            yield self._transcripts.popleft()

    def _answer(self, utterance: Utterance) -> None:
        utterance.answer = utterance.transcript(final=True)
        self._tell()

    def _tell(self) -> None:
        while self._owed:
            utterance = self._owed[0]
            if utterance.answer is None:
                if utterance.length or not utterance.is_ended:
                    return
                utterance.answer = utterance.transcript(final=True)  # nothing was heard, nothing was said
            self._transcripts.append(utterance.answer)
            del self._owed[0]
