"""Who has the floor: the table of turns, with its actions carried out."""

from __future__ import annotations

from ari_bridge.dialogue import own_words
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.parts import Parts
from ari_bridge.dialogue.turns import Action, Event, State


class Floor:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._paused_s: float | None = None

    @property
    def state(self) -> State:
        return self._parts.turns.state

    def fire(self, event: Event, now: float) -> None:
        """Something has happened, by the table's count."""
        before = self.state
        for action in self._parts.turns.on(event):
            self._act(action, before, now)
        if self.state is State.LEAVING and before is not State.LEAVING:
            self._parts.call_time.last_words_begin(now)
        if self.state is State.CALLER_PAUSED and before is State.CALLER_SPEAKING:
            self._pause_began()

    def _pause_began(self) -> None:
        """Have a model judge it, where there is one."""
        parts, turn = self._parts, self._parts.caller.turn
        number = parts.outbox.number()
        parts.turn_end.pause_began(number)
        if parts.settings.detector and turn is not None:
            heard = parts.agent.words_heard
            parts.outbox.do(s.JudgePause(number, turn.started_s, turn.text_so_far, heard))

    def _act(self, action: Action, before: State, now: float) -> None:
        parts = self._parts
        match action:
            case Action.PAUSE:
                self._paused_s = now
                parts.outbox.do(s.Pause())
                if before is State.AGENT_SPEAKING:
                    parts.outbox.tell(LiveKind.AGENT_PAUSED)
            case Action.RESUME:
                self._paused_s = None
                parts.outbox.do(s.Resume())
            case Action.DISMISS_SOUND:
                said = parts.caller.dismiss_sound()
                if before is State.PAUSED:
                    parts.outbox.tell(LiveKind.AGENT_RESUMED, said)
            case Action.CLAIM_SOUND:
                parts.caller.claim_sound(answer_needed=not parts.agent.is_settled)
            case Action.INTERRUPT:
                silent_s, self._paused_s = self._paused_s, None
                parts.agent.interrupt(now if silent_s is None else silent_s)
            case Action.FINISH:
                parts.turn_end.ended()
                parts.agent.finish(now)
            case Action.TAKE_DIGIT:
                parts.agent.speculation.drop()
                parts.caller.take_digit(parts.digits[0].digit, parts.digits[0].at_s)
            case Action.LEAVE:
                parts.outbox.do(parts.own_words.leave)
            case _ if action in own_words.ACTIONS:
                parts.agent.speculation.drop()
                parts.caller.forget_turn()
                parts.agent.say(parts.own_words.text_of(action), now)
            case _:
                if action in (Action.OPEN_UTTERANCE, Action.FORGET_TURN):
                    parts.agent.speculation.drop()
                parts.caller.act(action, now)
