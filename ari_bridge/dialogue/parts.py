"""The parts of one dialogue, as its rooms share them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.agent_side import AgentSide
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.caller_side import CallerSide
from ari_bridge.dialogue.endpoint import end_of_turn
from ari_bridge.dialogue.history import History
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.languages.registry import language as language_of
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.log import TurnLog
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.own_words import OwnWords
from ari_bridge.dialogue.silence import Silence
from ari_bridge.dialogue.turn_end import TurnEnd
from ari_bridge.dialogue.turns import Turns
from ari_bridge.dialogue.weighing import Weighing
from ari_bridge.settings import PatienceSettings, TurnSettings


@dataclass(slots=True)
class Parts:
    settings: TurnSettings
    turns: Turns
    history: History
    log: TurnLog
    outbox: Outbox
    caller: CallerSide
    agent: AgentSide
    weighing: Weighing
    turn_end: TurnEnd
    call_time: CallTime
    silence: Silence
    own_words: OwnWords
    phrases: Sequence[str] = ()
    """What callers may say to this agent."""
    digits: deque[s.DigitPressed] = field(default_factory=deque)
    """Pressed, and not taken yet."""

    def speak_language(self, tag: str, says: Sayings) -> None:
        """Caller and agent go on in another language."""
        self.own_words.says = says
        self.silence.speak(says)
        language = self.weighing.language = language_of(tag)
        self.turn_end = TurnEnd(end_of_turn(self.settings, language, self.phrases), eager=self.settings.eager)


def assemble(
    settings: TurnSettings,
    *,
    rate_hz: int,
    language: str = "en",
    system: str = "",
    max_duration_s: float = math.inf,
    says: Sayings | None = None,
    patience: PatienceSettings | None = None,
    phrases: Sequence[str] = (),
) -> Parts:
    """As Session takes them."""
    says = Sayings() if says is None else says
    if patience is None:
        says = replace(says, fillers=(), check_ins=(), no_answer="")
    outbox, history, log = Outbox(), History(system), TurnLog()
    keypad = Keypad(settings.digit_pause_ms / 1000, settings.digits_max)
    caller = CallerSide(outbox, keypad, settings.utterance_max_s)
    agent = AgentSide(history, log, outbox, rate_hz, settings.protected)
    return Parts(
        settings,
        Turns(),
        history,
        log,
        outbox,
        caller,
        agent,
        Weighing(caller, agent, settings, language_of(language)),
        TurnEnd(end_of_turn(settings, language_of(language), phrases), eager=settings.eager),
        CallTime(max_duration_s),
        Silence(patience or PatienceSettings(), says),
        OwnWords(says),
        phrases,
    )
