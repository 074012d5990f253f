"""The engine as somebody who is told to speak, and may fail."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum, auto

from ari_bridge.conversation.speech import asking
from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.core.messages import Message
from ari_bridge.providers.speech import base as b

STALL_S = 10.0
"""An engine that has been told to speak, and has not begun after so long, has failed."""
LAST_WORDS_S = 5.0
"""So long the agent may take to begin its last words."""
RECONNECT_AGAIN_S = 5.0
"""An engine that is lost again so soon after it was reached is not tried once more."""


class Loss(Enum):
    TRIED_AGAIN = auto()
    FINAL = auto()


class EngineSide:
    def __init__(self, abilities: b.Abilities, outbox: Outbox, *, has_own_voice: bool) -> None:
        """`has_own_voice`: SayOurselves can be carried out."""
        self._abilities, self._has_own_voice = abilities, has_own_voice
        self._outbox = outbox
        self._told_s = math.inf
        """Since when it is to speak."""
        self._instruction: str | None = None
        """What it was told, if words of ours."""
        self._own_items = 0
        self._worked = True
        """It has shown itself since it was reached again."""
        self._reached_s = -math.inf
        """When it was."""

    # ------------------------------------------------------------------ it is to speak

    @property
    def can_speak(self) -> bool:
        """Words of ours can be said at all."""
        return self._abilities.can_be_asked or self._has_own_voice

    @property
    def is_awaited(self) -> bool:
        return self._told_s < math.inf

    def say(self, words: str, now: float) -> None:
        """In the engine's voice, if it can be asked; else in ours."""
        if self._abilities.can_be_asked:
            self._ask(asking.exactly(words), now)
        else:
            self.say_ourselves(words, now)

    def say_ourselves(self, words: str, now: float) -> None:
        if self._has_own_voice:
            self._own_items += 1
            self.awaits_answer(now)
            self._outbox.do(c.SayOurselves(f"own words {self._own_items}", words))

    def awaits_answer(self, now: float) -> None:
        """It has been given what it will speak to."""
        self._told_s, self._instruction = now, None

    def awaits_answer_if_asked(self, now: float) -> None:
        if self._abilities.can_be_asked:
            self.awaits_answer(now)

    def shown(self) -> None:
        """It works."""
        self._worked = True

    def answered(self) -> None:
        """It speaks, or is not to any more."""
        self._told_s, self._instruction = math.inf, None

    def stalls_s(self, *, leaving: bool) -> float:
        """When it counts as stalled."""
        return self._told_s + (LAST_WORDS_S if leaving else STALL_S)

    def _ask(self, instruction: str, now: float) -> None:
        self._told_s, self._instruction = now, instruction
        self._outbox.request(b.Ask(instruction))

    # ------------------------------------------------------------------ it fails

    def lost(
        self, now: float, history: Callable[[], tuple[Message, ...]], resumption: str, *, may_return: bool
    ) -> Loss:
        """Try again once. `resumption`: what is said then; "" where nobody has noticed."""
        instruction = self._instruction
        worked, self._worked = self._worked, False
        self.answered()
        if not may_return or not worked or now - self._reached_s < RECONNECT_AGAIN_S:
            return Loss.FINAL
        self._reached_s = now
        self._outbox.do(c.Reconnect(history()))
        if instruction is not None:
            self._ask(instruction, now)
        elif resumption:
            self.say(resumption, now)
        return Loss.TRIED_AGAIN
