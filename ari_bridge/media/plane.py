"""What the rest of the product sees of the audio plane: a MediaPlane that opens MediaPorts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn, Protocol

from ari_bridge.core.audio import AudioChunk, Onset, Pcm16


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Counters of one call's audio, both ways, since the port was opened."""

    codec: str
    received: int = 0
    """RTP packets accepted from the leg."""
    lost: int = 0
    skipped: int = 0
    """Sequence numbers that were used up by something else than audio, as by a caller's digits."""
    late: int = 0
    """Packets that came after their time and were given up."""
    waited_for: int = 0
    """Packets that came after their time and were played all the same: the delay has grown for them."""
    restarts: int = 0
    """New streams on the leg after the first: another SSRC, a jump of the timestamps, a slower path."""
    duplicate: int = 0
    reordered: int = 0
    malformed: int = 0
    strangers: int = 0
    """Packets on the whole port that came from no known leg (since the plane started)."""
    concealed_ms: int = 0
    jitter_ms: float = 0.0
    """Interarrival jitter, RFC 3550 section 6.4.1."""
    delay_ms: float = 0.0
    """Of the jitter buffer, as it is now: how long the fastest packets wait."""
    target_delay_ms: float = 0.0
    """What the delay ought to be, by the jitter seen."""
    drift_ppm: float = 0.0
    """How much faster the far end's clock runs than ours."""
    mos: float = 0.0
    """What the caller's audio is worth to our side (media/mos.py); 0.0 before there is any."""
    sent: int = 0
    sent_silence: int = 0
    """Packets of the above that held no agent audio."""
    underruns: int = 0
    """Times the agent's audio ran dry in the middle of a play."""
    digits: int = 0
    """Telephone-events (RFC 4733) in the media itself. Asterisk tells a caller's digits by ARI instead."""
    pacing_p99_ms: float = 0.0
    """How late packets left: 99 % not later than this."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> str:
        """One line for a log."""
        return (
            f"{self.codec}, {self.received} packets in ({self.lost} lost, {self.late} late), "
            f"{self.concealed_ms} ms concealed, jitter {self.jitter_ms:.1f} ms, "
            f"delay {self.delay_ms:.0f} ms, drift {self.drift_ppm:.0f} ppm, MOS {self.mos:.2f}; "
            f"{self.sent} out, pacing p99 {self.pacing_p99_ms:.2f} ms, {self.underruns} underruns"
        )


@dataclass(frozen=True, slots=True)
class PlaneStats:
    """The figures of a plane at one instant, for whoever watches it."""

    calls: Mapping[str, MediaStats]
    """Of the ports that are open, by call id."""
    max_calls: int
    restarts: int
    """Times another media process took over from one that died."""
    priority: str
    """What the system schedules the media process with."""
    pacing_p99_ms: float
    """Of all packets of those calls."""
    strangers: int


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

    @property
    def onset(self) -> Onset | None:
        """Where the audio that leaves now, or left last, began, and when; None before there was any."""
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

    def snapshot(self) -> PlaneStats:
        """The figures as they are now; costs a few µs a call."""
        ...

    async def failed(self) -> NoReturn:
        """Wait until the plane is beyond repair, and raise the MediaError that says why: every port has
        raised it too, and open() does. Raises PortClosed when the plane is closed before that."""
        ...

    async def close(self) -> None: ...
