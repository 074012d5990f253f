"""The caller's side: the voice as our detection times it, the turn as the engine tells of it, the keys."""

from __future__ import annotations

import math

from ari_bridge.conversation.speech.caller_turn import CallerTurn
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.conversation.speech.story import Story
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.caller import NOISE_MAX_S
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.voice import Voice
from ari_bridge.providers.speech import base as b

RECENT_S = 2.0
"""An engine that tells of the caller means the voice that was on so shortly before."""


class CallerSide:
    def __init__(self, story: Story, outbox: Outbox, keypad: Keypad, *, engine_tells: bool) -> None:
        self.voice = Voice()
        self.voice_ended_s = -math.inf
        self.turn: CallerTurn | None = None
        """What has been said since the agent's last words."""
        self.transcribes = True
        """Texts of the caller may come; False once one was waited for in vain."""
        self._keypad = keypad
        self._entries = 0
        self._stopped_s = -math.inf
        """When the engine took the caller's last turn for over."""
        self._story, self._outbox = story, outbox
        self._engine_tells = engine_tells
        self._last_answered: CallerTurn | None = None

    # ------------------------------------------------------------------ voice

    def take_voice(self, event: s.VoiceOn | s.VoiceHeld | s.VoiceOff) -> None:
        match event:
            case s.VoiceOn(started_s):
                self.voice.begin(started_s)
            case s.VoiceHeld(until_s) | s.VoiceOff(until_s):
                if self.voice.since_s is None:
                    return
                self.voice.until_s = until_s
                if self.turn is not None:
                    self.turn.voiced_until(until_s)
                if isinstance(event, s.VoiceOff):
                    self._voice_ended()

    def _voice_ended(self) -> None:
        if not self._engine_tells and self.voice.lasted_ms >= NOISE_MAX_S * 1000:
            self.speaks(self.voice.until_s)
        self.voice_ended_s = self.voice.until_s
        self.voice.end()

    # ------------------------------------------------------------------ the turn

    def speaks(self, now: float, item: str = "") -> None:
        """There is a turn of the caller's, or it goes on. `item`: the engine's name for what is said."""
        if self.turn is None:
            self.turn = self._story.last_caller or self._new_turn(now)
            self.turn.is_over = False
        if item:
            self.turn.begin_item(item)

    @property
    def speaks_again(self) -> bool:
        """The voice that is on began after all that the engine has taken for the caller's turn."""
        return self.voice.on and (self.voice.since_s or 0.0) > self._stopped_s

    def stopped(self, now: float) -> None:
        self._stopped_s = now
        if self.turn is not None:
            self.turn.stopped_s = now

    def understood(self, event: b.CallerText, now: float) -> None:
        self.transcribes = True
        turn = self._story.caller_of(event.item)
        if turn is None:
            self.speaks(now, event.item)
            turn = self.turn
            assert turn is not None
        turn.understood(event.item, event.text, final=event.final, now=now)
        if event.final:
            self._outbox.tell(LiveKind.CALLER_SAID, event.text.strip())

    def owes_text(self) -> bool:
        """What the caller has said last may still be told in words."""
        turn = self.turn or self._last_answered
        return self.transcribes and turn is not None and turn.owes_text

    def answered(self) -> Waterfall:
        """The agent's turn begins: the caller's is over. Returns the delays so far."""
        turn, self.turn = self.turn, None
        if turn is None:
            return Waterfall()
        self._last_answered = turn
        turn.end()
        waterfall = Waterfall(turn.last_voiced_s)
        if turn.stopped_s is not None:
            waterfall.mark(Stamp.END_OF_TURN, turn.stopped_s)
            waterfall.mark(Stamp.MODEL_ASKED, turn.stopped_s)
        if turn.understood_s is not None:
            waterfall.mark(Stamp.TRANSCRIPT, turn.understood_s)
        return waterfall

    def _new_turn(self, now: float) -> CallerTurn:
        voice = self.voice
        if voice.since_s is not None:
            started_s, until_s = voice.since_s, voice.until_s
        elif now - self.voice_ended_s < RECENT_S:
            started_s = until_s = self.voice_ended_s
        else:
            started_s = until_s = now
        turn = CallerTurn(started_s)
        turn.voiced_until(until_s)
        self._story.add(turn)
        return turn

    def end(self) -> None:
        """The call is over."""
        if self.turn is not None:
            self.turn.end()

    # ------------------------------------------------------------------ keys

    def press(self, digit: str, at_s: float) -> None:
        self._outbox.tell(LiveKind.DIGIT, digit)
        self._outbox.send(b.CallerDigit(digit))
        self._keypad.press(digit, at_s)
        self.voice.spend()
        self.speaks(at_s)

    @property
    def entry_over_s(self) -> float:
        """When the keys so far are an entry, should no other be pressed."""
        return self._keypad.ends_s if self._keypad.entry else math.inf

    def take_entry(self, now: float) -> None:
        """The keys so far are an entry: the engine is to answer it."""
        digits = self._keypad.entry
        self._keypad.close()
        self._entries += 1
        self.speaks(now)
        assert self.turn is not None
        text = f"[digit {digits}]" if len(digits) == 1 else f"[digits {digits}]"
        self.turn.understood(f"keys {self._entries}", text, final=True, now=now)
        self.turn.voiced_until(now)
        self.turn.stopped_s = now
        self._outbox.request(b.CallerEntry(digits))
