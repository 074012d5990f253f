"""The caller's side of a dialogue: voice and digits come in and are gathered into turns.

A *sound* is a voice over the agent's words that nobody has judged yet. It is transcribed like a turn, and
becomes one, or the beginning of one, when it is claimed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.caller import CallerTurn
from ari_bridge.dialogue.interruption import Sound
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.outbox import Outbox
from ari_bridge.dialogue.turns import Action
from ari_bridge.dialogue.voice import Voice

PREROLL_S = 0.25
"""The recogniser gets the audio from this long before the onset: soft consonants come before loud vowels."""
PAUSE_TO_CUT_AT = 0.75
"""From this part of the longest utterance on, the caller's next pause is where it ends."""
OVERLAP_S = 0.5
"""Where there is no such pause, the next utterance begins with the last of this one: it has the word whole
that was cut in two."""


@dataclass(slots=True)
class _Weighed:
    said: CallerTurn
    ended_s: float | None = None
    is_dismissed: bool = False
    """The agent went on, but a transcript is still to come."""


class CallerSide:
    def __init__(self, outbox: Outbox, keypad: Keypad, utterance_max_s: float = math.inf) -> None:
        """`utterance_max_s`: what lasts longer goes on in the next utterance of the same turn."""
        self.voice = Voice()
        self.turn: CallerTurn | None = None
        """What the caller has said since the last answer was asked for."""
        self.keypad = keypad
        self._weighed: _Weighed | None = None
        self._utterance: int | None = None
        """The one that is open at the recogniser."""
        self._utterance_max_s, self._opened_s = utterance_max_s, math.inf
        self._outbox = outbox

    def act(self, action: Action, now: float) -> None:
        """Of the table's actions those that concern nobody else."""
        match action:
            case Action.OPEN_UTTERANCE:
                self.open_utterance(now)
            case Action.OPEN_SOUND:
                self.open_sound()
            case Action.CLOSE_UTTERANCE:
                self.close_utterance(now)
            case Action.CLOSE_SOUND:
                self.close_sound(now)
            case Action.FORGET_SOUND:
                self.forget_sound(now)
            case Action.END_TURN:
                self.end_turn(now)
            case Action.FORGET_TURN:
                self.forget_turn()

    # ------------------------------------------------------------------ voice

    def heard_until(self, until_s: float, *, is_turn: bool, is_sound: bool) -> None:
        """The voice that is on goes on."""
        if is_turn and self.turn is not None:
            self.turn.add_voice(self.voice.until_s, until_s)
        if is_sound and self._weighed is not None:
            self._weighed.said.add_voice(self.voice.until_s, until_s)
        self.voice.until_s = until_s

    def open_utterance(self, now: float) -> None:
        """Have the voice that is on transcribed, as a part of the turn; nothing where it is already."""
        since_s = self._since_s()
        if self.turn is None:
            self.turn = CallerTurn(since_s)
        if self._utterance is not None and self._has_lasted(self._utterance_max_s * PAUSE_TO_CUT_AT, now):
            self.close_utterance(now)
        if self._utterance is None:
            self._transcribe(self.turn)
        else:
            self.turn.closed_s = None

    def close_utterance(self, now: float) -> None:
        if self._utterance is not None:
            self._outbox.do(s.CloseUtterance(self._utterance))
            for turn in self._open_turns():
                turn.utterance_closed(self._utterance, now)
            self._utterance = None

    @property
    def cut_s(self) -> float:
        """When the turn's open utterance has lasted for as long as it may."""
        is_turns = self.turn is not None and self._utterance is not None
        return self._opened_s + self._utterance_max_s if is_turns else math.inf

    def cut_utterance(self, now: float) -> None:
        """The caller does not pause: the turn goes on in another utterance."""
        if self.turn is not None and self._utterance is not None:
            self.close_utterance(now)
            self._utterance, self._opened_s = self._outbox.number(), now
            self.turn.open_utterance(self._utterance, goes_on=True)
            self._outbox.do(s.OpenUtterance(self._utterance, now - OVERLAP_S))

    def _has_lasted(self, limit_s: float, now: float) -> bool:
        return now - self._opened_s >= limit_s

    def _transcribe(self, turn: CallerTurn) -> None:
        since_s = self._since_s()
        self.keypad.close()
        self._utterance, self._opened_s = self._outbox.number(), since_s
        turn.open_utterance(self._utterance)
        turn.add_voice(since_s, self.voice.until_s)
        self._outbox.do(s.OpenUtterance(self._utterance, since_s - PREROLL_S))

    def _since_s(self) -> float:
        assert self.voice.since_s is not None
        return self.voice.since_s

    # ------------------------------------------------------------------ a sound

    @property
    def sound(self) -> Sound | None:
        """The one that is to be judged: not dismissed, or more was understood of it since."""
        weighed = self._weighed
        if weighed is None:
            return None
        said = weighed.said
        lasted_ms = self.voice.lasted_ms
        return Sound(said.text_so_far, said.all_understood, lasted_ms, weighed.ended_s)

    @property
    def afterthought(self) -> str | None:
        """What was understood at last of a sound that was dismissed before."""
        weighed = self._weighed
        is_there = weighed is not None and weighed.is_dismissed and weighed.said.all_understood
        return weighed.said.text if weighed is not None and is_there else None

    def drop_afterthought(self) -> None:
        """What was said since counts, and not what is still to be understood of a dismissed sound."""
        if self._weighed is not None and self._weighed.is_dismissed:
            self._weighed = None

    def open_sound(self) -> None:
        """Have the voice that is on transcribed, as nobody's turn yet."""
        if self._weighed is None:
            self._weighed = _Weighed(CallerTurn(self._since_s()))
        self._weighed.ended_s, self._weighed.is_dismissed = None, False
        self._transcribe(self._weighed.said)

    def close_sound(self, now: float) -> None:
        self.close_utterance(now)
        if self._weighed is not None:
            self._weighed.ended_s = now

    def claim_sound(self, *, answer_needed: bool) -> None:
        """The sound is (a part of) the caller's turn. `answer_needed`: the agent was stopped for it."""
        weighed, self._weighed = self._weighed, None
        if weighed is None:
            return
        if self.turn is None:
            self.turn = weighed.said
        else:
            self.turn.absorb(weighed.said)
        self.turn.answer_needed |= answer_needed

    def dismiss_sound(self) -> str:
        """It was no wish to speak, as far as is known. Returns what was understood."""
        weighed = self._weighed
        if weighed is None:
            return ""
        if weighed.said.all_understood:
            self._weighed = None
        weighed.is_dismissed = True
        return weighed.said.text

    def forget_sound(self, now: float) -> None:
        weighed, self._weighed = self._weighed, None
        if weighed is not None and weighed.ended_s is None:
            self.close_utterance(now)

    # ------------------------------------------------------------------ digits

    def take_digit(self, digit: str, at_s: float) -> None:
        if self.turn is None:
            self.turn = CallerTurn(at_s)
        before = self.keypad.press(digit, at_s)
        self.turn.add_digits(self.keypad.entry, at_s, is_new=not before)
        self.voice.spend()

    # ------------------------------------------------------------------ what was said

    def understood(self, utterance: int, text: str) -> None:
        for turn in self._open_turns():
            turn.understood(utterance, text)

    def understood_so_far(self, utterance: int, text: str, *, is_sure: bool) -> None:
        for turn in self._open_turns():
            turn.understood_so_far(utterance, text, is_sure=is_sure)

    def _open_turns(self) -> list[CallerTurn]:
        weighed = None if self._weighed is None else self._weighed.said
        return [turn for turn in (self.turn, weighed) if turn is not None]

    def end_turn(self, now: float) -> None:
        """The caller's part is over."""
        self.keypad.close()
        if self.turn is not None:
            self.turn.close(now)

    def forget_turn(self) -> None:
        self.turn = None
        self.keypad.close()

    def take_turn(self) -> CallerTurn:
        """The turn, complete, for whoever answers it."""
        turn, self.turn = self.turn, None
        assert turn is not None
        if turn.news or not turn.text:
            self._outbox.tell(LiveKind.CALLER_SAID, turn.news)
        return turn
