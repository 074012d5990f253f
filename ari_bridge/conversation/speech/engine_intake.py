"""Each event of the engine on its way to the part of the dialogue that it concerns."""

from __future__ import annotations

from ari_bridge.conversation.speech import conditions
from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.floor import Floor
from ari_bridge.conversation.speech.parts import Parts
from ari_bridge.conversation.speech.turns import Event, State
from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.speech import base as b


class EngineIntake:
    def __init__(self, parts: Parts, floor: Floor) -> None:
        self._parts, self._floor = parts, floor

    def take(self, event: b.SpeechEvent, now: float) -> None:
        parts = self._parts
        match event:
            case b.AgentAudio() | b.AgentText():
                self._agent_speaks(event, now)
            case b.AgentDone(item):
                parts.agent.done(item)
            case b.CallerText():
                parts.engine.shown()
                parts.caller.understood(event, now)
                if event.final and event.text.strip():
                    parts.silence.broken(by_words=True)
            case b.CallerBegan(item):
                parts.engine.shown()
                self._caller_began(item, now)
            case b.CallerStopped():
                parts.silence.broken(by_words=True)
                parts.caller.stopped(now)
            case b.Clear():
                self._floor.fire(Event.CLAIMED, now)
                if self._floor.state is not State.LEAVING:
                    parts.agent.want_again()
            case b.Mark(name):
                parts.outbox.do(c.PassMark(name))
            case ToolCall():
                parts.engine.shown()
                self._tool_called(event, now)
            case b.ToolCancelled(call_id):
                parts.tools.cancelled(call_id)
            case b.Ended():
                parts.agent.break_off()
                self._floor.fire(Event.DECIDED, now)

    def _caller_began(self, item: str, now: float) -> None:
        if conditions.hears_caller(self._parts):
            self._parts.engine.answered()
            self._floor.fire(Event.CLAIMED, now)
            self._parts.caller.speaks(now, item)

    # ------------------------------------------------------------------ the agent's turn

    def _agent_speaks(self, event: b.AgentAudio | b.AgentText, now: float) -> None:
        agent, item = self._parts.agent, event.item
        self._parts.engine.shown()
        is_late = isinstance(event, b.AgentText) and agent.knows(item)
        if agent.wants(item) and not agent.makes(item) and not is_late:
            self._parts.engine.answered()
            if agent.turn is None:
                agent.begin(self._parts.caller.answered())
                self._parts.inform_model()
            agent.begin_utterance(item, now)
        if isinstance(event, b.AgentText):
            agent.text(event, now)
        elif agent.wants(item):
            agent.audio(event, now)
            self._audio_came(now)

    def _audio_came(self, now: float) -> None:
        parts, was_quiet = self._parts, self._floor.state is State.QUIET
        self._floor.fire(Event.AUDIO_CAME, now)
        if not was_quiet:
            return
        if parts.caller.speaks_again and parts.settings.barge_in:
            self._floor.fire(Event.VOICE_BEGAN, now)
        else:  # our detection tells the end of a voice a little later than an engine that answers it
            parts.caller.voice.spend()

    def _tool_called(self, call: ToolCall, now: float) -> None:
        parts = self._parts
        parts.engine.answered()
        if self._floor.state is State.LEAVING:
            return  # the outcome is decided: the call only ends
        if parts.agent.turn is None:
            parts.agent.begin(parts.caller.answered())
        parts.agent.tool_called(call)
        parts.tools.called(call, now)
