"""What any call needs, whoever talks in it.

    brief ─▶ ┌──────────────── Line ────────────────┐
             │ PBX events · hold · keys             │        ┌──────────────────────────┐
    acts  ─▶ │ actions and tools: Errands, Toolbox  │◀──────▶│ Dialogue: a kind of      │
             │ Minutes · Tasks · Ending             │        │ conversation (cascade …) │
             └──────────────────────────────────────┘        └──────────────────────────┘

A kind of conversation makes a `Line` from its `Brief`, is its `Dialogue`, and has its own work run by
`Line.run`. `Turnstile` drives a sans-IO core, `listen` reads the caller; both may be left aside.
"""

from ari_bridge.conversation.line.brief import Brief
from ari_bridge.conversation.line.costs import Costs
from ari_bridge.conversation.line.dialogue import Dialogue
from ari_bridge.conversation.line.line import Conversation, Line
from ari_bridge.conversation.line.listening import VoiceSignal, listen
from ari_bridge.conversation.line.turnstile import Core, Turnstile

__all__ = ["Brief", "Conversation", "Core", "Costs", "Dialogue", "Line", "Turnstile", "VoiceSignal", "listen"]
