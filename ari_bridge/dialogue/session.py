"""A call's dialogue: events in, commands out; no I/O, and time is an argument.

    voice, digits, transcripts ─▶ ┌────────┐ ─▶ caller's side ─┐               ┌─▶ utterances to recognise
    the model's text and tools ─▶ │ Intake │ ─▶ agent's side  ─┼▶ conditions ─▶│   rounds for the model, tools
    audio queued, played, cut  ─▶ │        │                   │   and Floor   │   sentences, pause, resume
    the clock ─▶ Timers ────────▶ └────────┘ ─▶ patience, …   ─┘  (the table)  └─▶ flush; leave

`turns.TABLE` says whose turn it is; `Floor` carries its actions out. An event goes by `Intake` to the part
that it concerns; then whatever `conditions` find to hold follows, until nothing does. What that guarantees:
an answer is asked for only once the turn before it is settled (everything understood, every flush accounted
for), or as a speculation that nobody notices; a tool runs only while the turn it belongs to is not in
question, and once; each answer ends heard to its end, or interrupted with what was heard of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ari_bridge.dialogue import conditions
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.floor import Floor
from ari_bridge.dialogue.history import Entry
from ari_bridge.dialogue.intake import Intake
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.latency import Stamp
from ari_bridge.dialogue.log import Turn
from ari_bridge.dialogue.parts import assemble
from ari_bridge.dialogue.timers import Timers
from ari_bridge.dialogue.turns import Event, State
from ari_bridge.settings import PatienceSettings, TurnSettings

MISSING_MAX = 1
"""Answers that come to nothing in a row, before the model counts as one that has failed."""


class Session:
    """The dialogue of one call. Feed it every event in order; carry out every command in order."""

    def __init__(
        self,
        settings: TurnSettings,
        *,
        rate_hz: int,
        language: str = "en",
        system: str = "",
        max_duration_s: float = math.inf,
        says: Sayings | None = None,
        patience: PatienceSettings | None = None,
        phrases: Sequence[str] = (),
    ) -> None:
        """`rate_hz`: of the positions. `language`: a BCP 47 tag. `system`: the system message for the model,
        if any. `max_duration_s` after greet() the agent says goodbye, whatever is going on. `says`: its own
        words, English when None. `patience`: None where silence may last for ever. `phrases`: sentences that
        callers may say to this agent."""
        self._parts = assemble(
            settings,
            rate_hz=rate_hz,
            language=language,
            system=system,
            max_duration_s=max_duration_s,
            says=says,
            patience=patience,
            phrases=phrases,
        )
        self._floor = Floor(self._parts)
        self._timers = Timers(self._parts, self._floor)
        self._intake = Intake(self._parts, self._floor, self._timers)
        self.history = self._parts.history
        self._now = 0.0

    @property
    def state(self) -> State:
        return self._floor.state

    @property
    def finished(self) -> list[Turn]:
        return self._parts.log.turns

    def restore(self, entries: Iterable[Entry], turns: Iterable[Turn]) -> None:
        """Take up a dialogue that another process began; before greet()."""
        self.history.entries.extend(entries)
        self._parts.log.turns.extend(turns)

    def speak_language(self, tag: str, says: Sayings) -> None:
        """Caller and agent go on in another language; `says`: the agent's own words in it."""
        self._parts.speak_language(tag, says)

    def greet(self, text: str, now: float) -> list[s.Command]:
        """Begin the call with the agent's words; with none, the caller speaks first."""
        self._now = now
        self._parts.call_time.begin(now)
        if text.strip():
            self._parts.agent.say(text, now)
            self._floor.fire(Event.GREETED, now)
        self._advance()
        return self._parts.outbox.drain()

    def handle(self, event: s.Event, now: float) -> list[s.Command]:
        """What is to be done about it."""
        self._now = now
        self._intake.take(event, now)
        self._advance()
        return self._parts.outbox.drain()

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        return self._timers.next_s(self._now)

    def end(self, position: int, now: float) -> None:
        """The call is over, for whatever reason; agent audio had left up to `position`."""
        parts = self._parts
        parts.agent.end(position, now)
        sound = parts.caller.sound
        if sound is not None and parts.weighing.claims(sound.text, State.LISTENING):
            parts.caller.claim_sound(answer_needed=False)
        turn = parts.caller.turn
        if turn is not None:
            turn.settle()
            if turn.text:
                parts.log.caller_said(turn)
        parts.caller.forget_turn()
        parts.outbox.drain()

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self) -> None:
        """Carry on until nothing is due."""
        parts, now = self._parts, self._now
        while self._step():
            pass
        if conditions.end_is_likely(parts, now) and parts.caller.turn is not None:
            parts.agent.speculation.begin(parts.caller.turn.guess, now)
        # Not while the caller's voice puts the turn in question.
        if self.state in (State.THINKING, State.AGENT_SPEAKING, State.LEAVING):
            parts.agent.run_tools()
        parts.silence.follow(self.state, parts.agent.answer, parts.agent.position, now)

    def _step(self) -> bool:
        """The next thing that is due; False: nothing is."""
        parts, now = self._parts, self._now
        if parts.digits and not parts.agent.is_protected:
            self._floor.fire(Event.DIGIT_PRESSED, now)
            parts.digits.popleft()
        elif (said := parts.caller.afterthought) is not None:
            if parts.weighing.claims(said, self.state) and not parts.silence.stands_aside:
                self._floor.fire(Event.CLAIMED, now)
            parts.caller.forget_sound(now)
        elif conditions.commit_is_due(parts):
            self._commit()
        elif conditions.answer_is_missing(parts):
            self._make_up()
        elif (event := conditions.due(parts, now)) is not None:
            self._floor.fire(event, now)
        else:
            return False
        return True

    def _commit(self) -> None:
        """The caller's turn is over and understood: it is to be answered."""
        parts, now = self._parts, self._now
        parts.caller.drop_afterthought()
        turn = parts.caller.take_turn()
        turn.waterfall.mark(Stamp.TRANSCRIPT, now)
        if turn.text:
            parts.silence.broken(by_words=True)
        parts.agent.reply_to(turn, now)

    def _make_up(self) -> None:
        """Ask the caller to say it again, once; a model that has nothing to say to that either has failed."""
        parts, now = self._parts, self._now
        parts.agent.make_up(parts.own_words.says.no_answer, now)
        if parts.agent.missing_in_a_row > MISSING_MAX:
            parts.own_words.failed(s.Engine.LLM)
            self._floor.fire(Event.FAILED, now)
