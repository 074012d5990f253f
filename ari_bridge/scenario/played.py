"""What a rehearsed call has left: the same for a call through Asterisk and one in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ari_bridge.core.messages import Message
from ari_bridge.dialogue.live import LiveEvent
from ari_bridge.pbx.call import Outcome
from ari_bridge.sandbox.evidence import Evidence
from ari_bridge.sandbox.player import CallerEvent
from ari_bridge.sandbox.recording import Recording
from ari_bridge.scenario.stand_ins import ToolRun


@dataclass(frozen=True, slots=True)
class Inside:
    """What only the pipeline can see."""

    tools: Sequence[ToolRun]
    pbx: Sequence[str]
    history: Sequence[Message]
    """What the model got last."""
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Played:
    evidence: Evidence
    recording: Recording
    caller: Sequence[CallerEvent]
    live: Sequence[LiveEvent]
    inside: Inside | None = None

    def at_ms(self, at_s: float) -> float:
        """On the recording's time axis."""
        return (at_s - self.recording.start_monotonic_s) * 1000
