"""What the rest of the product sees of the audio plane: a MediaPlane that opens MediaPorts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ari_bridge.core.audio import AudioChunk, Pcm16


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Counters of one call's audio, both ways, since the port was opened."""

    codec: str
    received: int = 0
    """RTP packets accepted from the leg."""
    lost: int = 0
    late: int = 0
    duplicate: int = 0
    reordered: int = 0
    malformed: int = 0
    strangers: int = 0
    """Packets on the whole port that came from no known leg (since the plane started)."""
    concealed_ms: int = 0
    jitter_ms: float = 0.0
    """Interarrival jitter, RFC 3550 section 6.4.1."""
    sent: int = 0
    sent_silence: int = 0
    """Packets of the above that held no agent audio."""
    underruns: int = 0
    """Times the agent's audio ran dry in the middle of a play."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class MediaPort(Protocol):
    """One call's two-way audio. Positions are samples of play()ed audio, counted since the port opened."""

    @property
    def rate_hz(self) -> int: ...

    @property
    def codec(self) -> str:
        """Asterisk's format name: ulaw, alaw, g722, slin16, …"""
        ...

    @property
    def heard(self) -> int:
        """Position up to which play()ed audio has really left for the caller (or was flushed past)."""
        ...

    @property
    def queued(self) -> int:
        """Position after the last sample play()ed."""
        ...

    async def read(self) -> AudioChunk:
        """The next frames from the caller: at least one, all that are there. Raises PortClosed."""
        ...

    async def play(self, pcm: Pcm16) -> int:
        """Queue audio after what is queued already; waits while the ring is full. Returns the mark: the
        position after its last sample. Raises PortClosed."""
        ...

    def pause(self) -> None:
        """Within 5 ms of the next frame the audio has faded to silence; what is queued stays."""
        ...

    def resume(self) -> None: ...

    def set_gain_db(self, gain_db: float) -> None:
        """How much louder than played the audio leaves, from the next frame on, whatever its queue holds. The
        frame glides there. 0 dB at first; loud samples are clipped."""
        ...

    async def flush(self) -> int:
        """Drop what is queued, but for 5 ms that fade out, and unpause. Returns the position up to which
        audio was really sent."""
        ...

    async def wait_heard(self, mark: int) -> None:
        """Until audio up to `mark` has left, or was flushed. Raises PortClosed."""
        ...

    def stats(self) -> MediaStats: ...

    async def close(self) -> None:
        """Free the row. Idempotent."""
        ...


class MediaPlane(Protocol):
    @property
    def address(self) -> tuple[str, int]:
        """Host and UDP port that Asterisk is to send to."""
        ...

    async def open(self, codec: str, peer: tuple[str, int], call_id: str) -> MediaPort:
        """A row for one leg; silence starts to leave for `peer` at once, and only `peer` is listened to.

        Raises MediaError when all rows are taken or the codec is unknown.
        """
        ...

    async def close(self) -> None: ...
