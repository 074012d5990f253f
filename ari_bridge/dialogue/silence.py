"""Whose silence it is, told to a call's patience, and what is said into it."""

from __future__ import annotations

import math

from ari_bridge.dialogue.answer import Answer
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.patience import Patience, PatienceTimes, Prompt
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import PatienceSettings

_MAY_BE_LONG = (State.LISTENING, State.THINKING, State.AGENT_SPEAKING)


class Silence:
    def __init__(self, settings: PatienceSettings, says: Sayings) -> None:
        times = PatienceTimes(
            settings.filler_after_s,
            settings.filler_every_s,
            settings.no_input_s if says.check_ins else math.inf,
        )
        self._patience = Patience(
            times, fillers=says.fillers, check_ins=says.check_ins, farewell=says.farewell
        )
        self.stands_aside = False
        """The dialogue does, as on hold."""
        self.keys_diverted = False
        """The caller is busy with the keys."""

    def speak(self, says: Sayings) -> None:
        """From now on in these words."""
        self._patience.speak(fillers=says.fillers, check_ins=says.check_ins, farewell=says.farewell)

    def rest(self, now: float) -> None:
        """One of those two has changed: meanwhile nobody is waited for."""
        if self.stands_aside or self.keys_diverted:
            self._patience.suspend()
        else:
            self._patience.resume(now)

    def broken(self, *, by_words: bool) -> None:
        """By the caller: a voice, or what turned out to be words."""
        if by_words:
            self._patience.caller_active()
        else:
            self._patience.answered()

    def follow(self, state: State, answer: Answer | None, position: int, now: float) -> None:
        """What is so after an event; to be told after each. `position`: up to which agent audio was heard."""
        if state is State.LISTENING:
            self._patience.listening(now)
        if state not in (State.THINKING, State.AGENT_SPEAKING) or answer is None:
            return
        unheard = [one for one in answer.sentences if not (one.complete and position >= one.end)]
        if any(not sentence.is_filler for sentence in unheard) or answer.made:
            self._patience.answered()
        elif unheard:
            self._patience.filler_heard(now)  # while it sounds, the silence after it has not begun
        else:
            self._patience.answer_awaited(now)

    def due_s(self, state: State, *, voice_on: bool) -> float:
        """When prompt() is to be asked."""
        return math.inf if voice_on or state not in _MAY_BE_LONG else self._patience.next_timer()

    def prompt(self, now: float) -> Prompt | None:
        """What is to be said now."""
        return self._patience.due(now)
