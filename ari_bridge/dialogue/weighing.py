"""Judges the sounds over the agent's words, by the rule of `interruption.py`, for one call."""

from __future__ import annotations

import math

from ari_bridge.dialogue.agent_side import AgentSide
from ari_bridge.dialogue.backchannel import Meaning, meaning
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.interruption import Rule, Verdict
from ari_bridge.dialogue.languages.base import Language
from ari_bridge.dialogue.question import Question, question_in
from ari_bridge.dialogue.turns import Event, State
from ari_bridge.settings import TurnSettings

CONTINUED_MS = 250.0
"""Voice of this length, while the answer is not audible yet, is the turn going on."""
CLOSURE_MS = 300.0
"""So long may the voice be off in the middle of a word, its closure told as the end of a voice included."""


class Weighing:
    def __init__(
        self, caller: CallerSide, agent: AgentSide, settings: TurnSettings, language: Language
    ) -> None:
        self._caller, self._agent = caller, agent
        self._settings = settings
        self.language = language
        """It may change in the middle of the call."""

    @property
    def asked(self) -> Question:
        """What the agent's words, as far as they were heard, have come to."""
        return question_in(self._agent.words_heard, self.language)

    def may_interrupt(self, state: State) -> bool:
        """Whether a voice that begins now is to stop the agent, where it speaks."""
        if state not in (State.THINKING, State.AGENT_SPEAKING):
            return True
        if self._agent.is_protected:
            return False
        return self._settings.barge_in or state is State.THINKING

    def verdict(self, state: State, now: float) -> Event | None:
        """On the sound in HELD or PAUSED; None while it is not clear."""
        sound = self._caller.sound
        if sound is None:
            return Event.DISMISSED
        match self._rule(state).judge(sound, self.language, self.asked, now):
            case Verdict.INTERRUPTION:
                return Event.CLAIMED
            case Verdict.DISMISSED:
                return Event.DISMISSED
            case Verdict.OPEN:
                return None

    def claims(self, afterthought: str, state: State) -> bool:
        """Whether a sound that was dismissed, and understood at last, is an interruption still."""
        words_min = self._settings.barge_in_min_words
        meant = meaning(afterthought, self.language, self.asked, words_min=words_min)
        return meant is Meaning.INTERRUPTION and self.may_interrupt(state)

    def due_s(self, state: State) -> float:
        """When to judge again, should nothing happen before."""
        sound = self._caller.sound
        if sound is None or state not in (State.HELD, State.PAUSED):
            return math.inf
        return self._rule(state).waits_until_s(sound)

    def _rule(self, state: State) -> Rule:
        settings = self._settings
        if state is State.HELD:  # nothing is audible yet that could start and stop
            return Rule(CONTINUED_MS, settings.resume_after_ms, settings.barge_in_min_words, closure_ms=0.0)
        sure_ms = settings.barge_in_min_ms
        return Rule(sure_ms, settings.resume_after_ms, settings.barge_in_min_words, CLOSURE_MS)
