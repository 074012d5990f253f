"""What the synthetic caller does in one call: its steps, one after the other, and the line it is on.

Saying and pressing last until the audio has left. The file format for it is `ari_bridge.scenario`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

CODECS = ("ulaw", "alaw", "g722", "slin16", "opus")
DEFAULT_CODEC = "ulaw"
DEFAULT_CALLER_NUMBER = "+4930123456"
DEFAULT_TIMEOUT_S = 20.0


class Voice(Enum):
    FLITE = "flite"
    ESPEAK = "espeak"


class Awaited(Enum):
    """What a caller can wait for."""

    AGENT_STARTS = "agent_starts"
    """The agent begins to speak, after the caller's last action."""
    AGENT_DONE = "agent_done"
    """The agent has spoken since the caller's last action, and is silent now."""
    HUMAN_ANSWERS = "human_answers"
    """The sandbox's second person is on the line (known by a tone of 1004 Hz)."""
    HANGUP = "hangup"
    """The other side hangs up."""


class Sound(Enum):
    """What is heard of a caller besides words."""

    COUGH = "cough"
    CLICK = "click"
    """A pen, a door latch: a few milliseconds."""
    HISS = "hiss"
    """White noise."""
    STREET = "street"
    """Low rumble, swelling and fading."""
    BABBLE = "babble"
    """Several people far off."""


@dataclass(frozen=True, slots=True)
class Wait:
    what: Awaited
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    interrupt_after_ms: int | None = None
    """Speak into the agent's turn, this long after it began, or after the caller's last backchannel or noise
    in it; None: speak now."""
    backchannel: bool = False
    """It only says that the caller listens: no turn."""


@dataclass(frozen=True, slots=True)
class MakeNoise:
    sound: Sound
    duration_ms: int
    level_dbfs: float = -20.0
    """Of its loudest part."""
    interrupt_after_ms: int | None = None
    """As with Say."""
    in_background: bool = False
    """The next step does not wait for its end, and is heard through it."""


@dataclass(frozen=True, slots=True)
class Press:
    digits: str


@dataclass(frozen=True, slots=True)
class Pause:
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Hold:
    """The caller's telephone puts the agent on hold."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Step: TypeAlias = Wait | Say | MakeNoise | Press | Pause | Hold | Hangup


@dataclass(frozen=True, slots=True)
class LineQuality:
    """What the line does to the caller's audio, on its way to the agent."""

    loss: float = 0.0
    """Share of the packets that never arrive."""
    burst: float = 1.0
    """How many are lost in a row, on average."""
    jitter_ms: float = 0.0
    """Standard deviation of the delay; packets may overtake each other."""
    noise_dbfs: float | None = None
    """Hiss on the line all the time."""
    echo_db: float | None = None
    """How much of the agent's audio comes back to it: -20 is a tenth of the amplitude."""
    echo_delay_ms: float = 100.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    did: str
    steps: tuple[Step, ...]
    codec: str = DEFAULT_CODEC
    voice: Voice = Voice.FLITE
    caller_number: str = DEFAULT_CALLER_NUMBER
    line: LineQuality = LineQuality()

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything the caller will say."""
        return tuple(step.text for step in self.steps if isinstance(step, Say))
