"""The bridge process's side of one shared row: plain reads and writes of memory, no waiting."""

from __future__ import annotations

import numpy as np

from ari_bridge.core.audio import FRAME_MS, AudioChunk, FrameAnalysis, Onset, Pcm16, samples
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.mos import mos
from ari_bridge.media.pacing import quantile_ms
from ari_bridge.media.plane import MediaStats
from ari_bridge.media.shared import (
    DIGITS_KEPT,
    NO_ONSET,
    RX_FRAMES,
    RX_KEEP,
    TX_KEPT_MS,
    SharedRows,
    tx_capacity,
)

NARROWBAND_HZ = 8000


class BridgeRow:
    """Reads what the media process wrote, writes requests. After detach() it keeps its last values."""

    def __init__(self, shared: SharedRows, slot: int, codec: Codec) -> None:
        self._codec = codec
        self._plane = shared.plane
        self._media = shared.media[slot : slot + 1]
        self._bridge = shared.bridge[slot : slot + 1]
        self._pacing = shared.pacing[slot]
        self._rx = shared.rx(codec.rate_hz)[slot]
        self._rx_flags = shared.rx_flags[slot]
        self._rx_captured_s = shared.rx_captured_s[slot]
        self._capacity = tx_capacity(codec.rate_hz)
        self._tx = shared.tx[slot, : self._capacity]
        self._stream = shared.stream[slot : slot + 1]
        self._analysis = shared.analysis[slot : slot + 1]
        self._voice, self._near = shared.voice[slot], shared.near[slot]
        self._read = 0
        self._read_analysis = 0
        self.overrun_frames = 0
        """Frames that were never read because the reader was away for more than 2 s."""

    def detach(self) -> None:
        """Keep copies of the counters and let go of the shared memory."""
        self._plane, self._media = self._plane.copy(), self._media.copy()
        self._bridge, self._pacing = self._bridge.copy(), self._pacing.copy()
        self._stream, self._analysis = self._stream.copy(), self._analysis.copy()
        nothing = np.zeros((0, 0), dtype=np.int16)
        self._rx, self._tx = nothing, nothing[0:0].reshape(0)
        self._rx_flags, self._rx_captured_s = np.zeros(0, np.uint8), np.zeros(0, np.float64)
        self._voice = self._near = np.zeros(0, np.float32)

    # ---------------------------------------------------------------- from the caller

    @property
    def unread(self) -> bool:
        return int(self._media["frames"][0]) > self._read

    def read(self) -> AudioChunk:
        """All frames since the last read, at most the newest 2 s."""
        end = int(self._media["frames"][0])
        start = max(self._read, end - RX_KEEP)
        self.overrun_frames += start - self._read
        self._read = end
        place = np.arange(start, end) % RX_FRAMES
        return AudioChunk(
            pcm=self._rx[place].reshape(-1),
            rate_hz=self._codec.rate_hz,
            start_sample=start * self._codec.frame_samples,
            captured_s=float(self._rx_captured_s[place[-1]]),
            flags=self._rx_flags[place],
            analysis=self._new_analysis(end),
        )

    def _new_analysis(self, end: int) -> FrameAnalysis | None:
        """What became known since the last read, of the frames before `end`."""
        if self._analysis["ssrc"][0] != self._stream["ssrc"][0]:
            return None  # what is there is of another leg
        known = min(end, int(self._analysis["frames"][0]))
        start = max(self._read_analysis, end - RX_KEEP)
        if known <= start:
            return None
        self._read_analysis = known
        place = np.arange(start, known) % RX_FRAMES
        return FrameAnalysis(start, self._voice[place], self._near[place])

    # ---------------------------------------------------------------- to the caller

    @property
    def heard(self) -> int:
        return int(self._media["heard"][0])

    @property
    def queued(self) -> int:
        return int(self._bridge["queued"][0])

    @property
    def onset(self) -> Onset | None:
        media = self._media
        position, left_s = int(media["onset"][0]), float(media["onset_s"][0])
        known = position != NO_ONSET and left_s > 0 and int(media["onset"][0]) == position
        return Onset(position, left_s) if known else None

    @property
    def room(self) -> int:
        """Samples that write() would take."""
        return self._capacity - samples(TX_KEPT_MS, self._codec.rate_hz) - (self.queued - self.heard)

    def write(self, pcm: Pcm16) -> int:
        """Queue as much of `pcm` as there is room for; returns how much."""
        queued = self.queued
        count = min(len(pcm), self.room)
        at = queued % self._capacity
        first = min(count, self._capacity - at)
        self._tx[at : at + first] = pcm[:first]
        self._tx[: count - first] = pcm[first:count]
        self._bridge["queued"] = queued + count  # last: from now on the media process may take it
        return count

    def set_paused(self, paused: bool) -> None:
        self._bridge["paused"] = paused

    def set_gain_db(self, gain_db: float) -> None:
        self._bridge["gain_db"] = gain_db

    @property
    def flush_number(self) -> int:
        """Of the latest flush that was asked for."""
        return int(self._bridge["flush_wanted"][0])

    def want_flush(self) -> int:
        """Ask for a flush of what is queued now. Returns its number."""
        number = self.flush_number + 1
        self._bridge["flush_to"] = self.queued
        self._bridge["flush_wanted"] = number
        self._bridge["paused"] = False
        return number

    def flushed(self, number: int) -> bool:
        """Whether the media process has carried that flush out."""
        return int(self._media["flush_done"][0]) >= number

    @property
    def flush_heard(self) -> int:
        """`heard` just before the last flush."""
        return int(self._media["flush_heard"][0])

    # ---------------------------------------------------------------- figures

    def digits(self) -> str:
        """The digits that came in the media itself: all of them, or the last DIGITS_KEPT."""
        media = self._media[0]
        count = int(media["digit_count"])
        place = np.arange(max(0, count - DIGITS_KEPT), count) % DIGITS_KEPT
        return bytes(media["digits"][place]).decode()

    def stats(self) -> MediaStats:
        media = self._media[0]
        delay_ms = float(media["delay_s"]) * 1000
        received, missed = int(media["received"]), int(media["lost"] + media["late"])
        opinion = mos(
            self._codec.name,
            wideband=self._codec.rate_hz > NARROWBAND_HZ,
            loss=min(1.0, missed / max(1, int(media["received"] + media["lost"]))),
            delay_ms=delay_ms + FRAME_MS,
        )
        return MediaStats(
            codec=self._codec.name,
            received=received,
            lost=int(media["lost"]),
            skipped=int(media["skipped"]),
            late=int(media["late"]),
            waited_for=int(media["waited_for"]),
            restarts=int(media["restarts"]),
            duplicate=int(media["duplicate"]),
            reordered=int(media["reordered"]),
            malformed=int(media["malformed"]),
            strangers=int(self._plane["strangers"][0]),
            concealed_ms=int(media["concealed"]) * FRAME_MS,
            jitter_ms=round(float(media["jitter_s"]) * 1000, 3),
            delay_ms=round(delay_ms, 1),
            target_delay_ms=round(float(media["target_s"]) * 1000, 1),
            drift_ppm=round(float(media["drift_ppm"]), 1),
            mos=round(opinion, 2) if received else 0.0,
            sent=int(media["sent"]),
            sent_silence=int(media["sent_silence"]),
            underruns=int(media["underruns"]),
            digits=int(media["digit_count"]),
            pacing_p99_ms=round(quantile_ms(self._pacing, 0.99), 3),
        )
