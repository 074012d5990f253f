"""Tells a call's patience whose silence it is."""

from __future__ import annotations

import math

from ari_bridge.dialogue.answer import Answer
from ari_bridge.dialogue.patience import Patience, PatienceTimes
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import PatienceSettings


def patience(settings: PatienceSettings) -> Patience:
    times = PatienceTimes(
        settings.filler_after_s,
        settings.filler_every_s,
        settings.no_input_s if settings.check_ins else math.inf,
    )
    return Patience(times, fillers=settings.fillers, check_ins=settings.check_ins, farewell=settings.farewell)


def follow(who: Patience, state: State, answer: Answer | None, position: int, now: float) -> None:
    """What is so after an event; to be told after each. `position`: up to which agent audio was heard."""
    if state is State.LISTENING:
        who.listening(now)
    if state not in (State.THINKING, State.AGENT_SPEAKING) or answer is None:
        return
    unheard = [one for one in answer.sentences if not (one.complete and position >= one.end)]
    if any(not sentence.is_filler for sentence in unheard) or answer.made:
        who.answered()
    elif unheard:
        who.filler_heard(now)  # for as long as it sounds, the silence after it has not begun
    else:
        who.answer_awaited(now)
