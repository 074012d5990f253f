"""Whose silence it is beside an engine, told to a call's patience, and what is said into it."""

from __future__ import annotations

import math

from ari_bridge.conversation.speech.agent_side import AgentSide
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.patience import Patience, PatienceTimes, Prompt
from ari_bridge.settings import PatienceSettings


class Silence:
    def __init__(self, settings: PatienceSettings, says: Sayings, *, can_speak: bool) -> None:
        """`can_speak`: words of ours can be said at all."""
        check_ins = says.check_ins if can_speak else ()
        times = PatienceTimes(
            settings.filler_after_s, settings.filler_every_s, settings.no_input_s if check_ins else math.inf
        )
        fillers = says.fillers if can_speak else ()
        self._patience = Patience(times, fillers=fillers, check_ins=check_ins, farewell=says.farewell)
        self.stands_aside = False
        """The dialogue does, as on hold."""
        self.keys_diverted = False
        """The caller is busy with the keys."""

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

    def follow(self, agent: AgentSide, now: float, *, is_quiet: bool, engine_awaited: bool) -> None:
        """What is so after an event; to be told after each. `engine_awaited`: it has been told to speak."""
        if agent.only_fills:
            self._patience.filler_heard(now)
        elif not is_quiet or agent.is_speaking or engine_awaited:
            self._patience.answered()
        elif agent.tools_run:
            self._patience.answer_awaited(now)
        else:
            self._patience.listening(now)

    def due_s(self, *, is_quiet: bool) -> float:
        """When prompt() is to be asked. `is_quiet`: neither side is heard."""
        return self._patience.next_timer() if is_quiet else math.inf

    def prompt(self, now: float) -> Prompt | None:
        """What is to be said now."""
        return self._patience.due(now)
