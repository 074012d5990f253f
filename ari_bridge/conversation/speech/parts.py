"""The parts of one dialogue beside an engine, as its rooms share them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.agent_side import AgentSide
from ari_bridge.conversation.speech.caller_side import CallerSide
from ari_bridge.conversation.speech.engine_side import EngineSide
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.conversation.speech.silence import Silence
from ari_bridge.conversation.speech.story import Story
from ari_bridge.conversation.speech.tool_calls import ToolCalls
from ari_bridge.conversation.speech.turns import Turns
from ari_bridge.conversation.speech.weighing import Weighing
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.call_time import CallTime
from ari_bridge.dialogue.history import Entry
from ari_bridge.dialogue.keypad import Keypad
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.log import Turn
from ari_bridge.providers.speech import base as b
from ari_bridge.settings import AgentSettings, TurnSettings


@dataclass(slots=True)
class Parts:
    settings: TurnSettings
    says: Sayings
    abilities: b.Abilities
    turns: Turns
    outbox: Outbox
    story: Story
    caller: CallerSide
    agent: AgentSide
    weighing: Weighing
    tools: ToolCalls
    engine: EngineSide
    silence: Silence
    call_time: CallTime
    leave: s.Leave = field(default_factory=s.Leave)
    """How the conversation ends, once it does."""

    def inform_model(self) -> None:
        """The engine goes on with what there is by now."""
        self.outbox.do(c.ModelInformed(self.story.messages()))


def assemble(
    agent: AgentSettings,
    abilities: b.Abilities,
    says: Sayings,
    *,
    rate_hz: int,
    max_duration_s: float = math.inf,
    has_own_voice: bool = False,
    past: Iterable[Entry] = (),
    past_turns: Iterable[Turn] = (),
) -> Parts:
    """As SpeechDialogue takes them."""
    settings = agent.turns
    outbox, story = Outbox(), Story(past, past_turns)
    keypad = Keypad(settings.digit_pause_ms / 1000, settings.digits_max)
    caller = CallerSide(story, outbox, keypad, engine_tells=abilities.tells_of_caller)
    engine = EngineSide(abilities, outbox, has_own_voice=has_own_voice)
    return Parts(
        settings,
        says,
        abilities,
        Turns(),
        outbox,
        story,
        caller,
        AgentSide(story, outbox, rate_hz, engine_tells_ends=abilities.tells_ends),
        Weighing(caller, settings, engine_decides=abilities.decides_interruptions),
        ToolCalls(outbox),
        engine,
        Silence(agent.patience, says, can_speak=engine.can_speak),
        CallTime(max_duration_s),
    )
