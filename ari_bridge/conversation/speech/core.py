"""The dialogue beside an engine that hears and speaks itself: events in, commands out; no I/O, and time is an
argument.

    voice, keys ──────────▶ ┌────────┐ ─▶ caller's side ─┐               ┌─▶ audio to play, pause, flush
    queued, played, cut ──▶ │ Intake │ ─▶ agent's side  ─┼▶ conditions ─▶│   signals to the engine: cuts,
    the engine's events ──▶ │        │ ─▶ engine's side  │   and Floor   │   results, requests
    the clock ─▶ Timers ──▶ └────────┘ ─▶ patience, …   ─┘  (the table)  └─▶ tools to run; reconnect; leave

`turns.TABLE` says what the caller hears; `Floor` carries its actions out; the engine decides the rest. An
event goes by `Intake` to the part that it concerns; then whatever `conditions` find to hold follows. What
this guarantees: the engine is told of every item how much of it was heard, if that was not all; a tool runs
when the caller's words before it are known, if they can be; an engine that is lost is tried once more with
the history as it was heard; and nobody is left in silence: whoever waits too long is asked after, and an
engine that does not answer has failed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ari_bridge.conversation.speech import conditions
from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.endings import Endings
from ari_bridge.conversation.speech.floor import Floor
from ari_bridge.conversation.speech.intake import Intake
from ari_bridge.conversation.speech.parts import assemble
from ari_bridge.conversation.speech.timers import Timers
from ari_bridge.conversation.speech.turns import State
from ari_bridge.core.messages import Message
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import Entry
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.log import Turn
from ari_bridge.providers.speech import base as b
from ari_bridge.settings import AgentSettings


class SpeechDialogue:
    """The dialogue of one call. Feed it every event in order; carry out every command in order."""

    def __init__(
        self,
        agent: AgentSettings,
        abilities: b.Abilities,
        says: Sayings,
        *,
        rate_hz: int,
        max_duration_s: float = math.inf,
        has_own_voice: bool = False,
        past: Iterable[Entry] = (),
        past_turns: Iterable[Turn] = (),
    ) -> None:
        """`rate_hz`: of the positions. `has_own_voice`: SayOurselves can be carried out."""
        self._parts = assemble(
            agent,
            abilities,
            says,
            rate_hz=rate_hz,
            max_duration_s=max_duration_s,
            has_own_voice=has_own_voice,
            past=past,
            past_turns=past_turns,
        )
        self._floor = Floor(self._parts)
        endings = Endings(self._parts, self._floor)
        self._timers = Timers(self._parts, self._floor, endings)
        self._intake = Intake(self._parts, self._floor, endings, self._timers)

    # ------------------------------------------------------------------ for the shell

    @property
    def state(self) -> State:
        return self._floor.state

    @property
    def finished(self) -> list[Turn]:
        return self._parts.story.finished

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said so far, as a model gets it."""
        return self._parts.story.messages()

    @property
    def is_speaking(self) -> bool:
        """The engine has begun something that has not all been heard."""
        return self._parts.agent.is_speaking

    @property
    def hears_caller(self) -> bool:
        """Whether the engine is to get the caller's voice; else it gets silence, in which its own voice
        detection finds nobody."""
        return conditions.hears_caller(self._parts)

    def begin(self, first_words: str, now: float) -> list[c.Command]:
        """Begin the call with the agent's words; with none, the caller speaks first, or the engine by
        itself."""
        self._parts.call_time.begin(now)
        if first_words.strip():
            self._parts.engine.say(first_words, now)
        self._advance(now)
        return self._parts.outbox.drain()

    def handle(self, event: c.Event, now: float) -> list[c.Command]:
        """What is to be done about it."""
        if self.state is not State.ENDED:
            self._intake.take(event, now)
            self._advance(now)
        return self._parts.outbox.drain()

    def next_timer(self) -> float | None:
        """When TimerDue is to be handled next; it may change with every event."""
        return self._timers.next_s()

    def end(self, position: int, now: float) -> None:
        """The call is over, for whatever reason; agent audio had left up to `position`."""
        self._parts.agent.end(position, now)
        self._parts.caller.end()
        self._parts.outbox.drain()

    # ------------------------------------------------------------------ what follows of itself

    def _advance(self, now: float) -> None:
        """Carry on until nothing is due."""
        parts = self._parts
        if now >= parts.caller.entry_over_s:
            self._answer_entry(now)
        self._run_tools(now)
        while (event := conditions.due(parts, now)) is not None:
            self._floor.fire(event, now)
        is_quiet = self.state is State.QUIET
        if is_quiet and conditions.answer_is_over(parts):
            parts.agent.finish(now)
        parts.silence.follow(parts.agent, now, is_quiet=is_quiet, engine_awaited=parts.engine.is_awaited)

    def _answer_entry(self, now: float) -> None:
        """The caller has entered something by the keys: the engine is to answer it."""
        parts = self._parts
        parts.caller.take_entry(now)
        parts.silence.broken(by_words=True)
        parts.inform_model()
        parts.engine.awaits_answer_if_asked(now)

    def _run_tools(self, now: float) -> None:
        parts = self._parts
        ready, in_vain = parts.tools.take_ready(now, words_owed=parts.caller.owes_text())
        if in_vain:
            parts.caller.transcribes = False
        if ready:
            parts.inform_model()
        for call in ready:
            parts.outbox.do(s.RunTool(call))
