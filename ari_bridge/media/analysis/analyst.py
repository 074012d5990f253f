"""Looks at the rows' rings after the media process has written them, and writes beside them what it finds.

    rx, tx, tx_heard ──▶ a frame of every row that has a new one, all at once ──▶ voice, near, ANALYSIS.frames

It only reads what the media process writes, and nobody waits for it. It sees by itself which rows are in use
(their `frames` grow) and when a row has got another leg (its SSRC is another one). Rows that it cannot keep
up with are taken up again at their newest frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, samples
from ari_bridge.media.analysis import canceller
from ari_bridge.media.analysis.echo import DELAYS
from ari_bridge.media.analysis.echo_control import EchoControl
from ari_bridge.media.analysis.silero import Silero
from ari_bridge.media.analysis.voice_rows import VoiceRows
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.resample import RowsResampler
from ari_bridge.media.ring import BLOCKS_A_SECOND
from ari_bridge.media.rows import Slots
from ari_bridge.media.shared import RX_FRAMES, SharedRows, tx_capacity

LAG_FRAMES = 8
"""Further behind than this (160 ms) a row is no longer caught up with, but taken up at its newest frame. What
was sent is kept little longer (shared.TX_KEPT_MS)."""

_LOG2_OF_DB = np.log2(10) / 20
"""Of amplitudes."""


class _Rate:
    """The rows at one sample rate."""

    def __init__(self, shared: SharedRows, rate_hz: int, models: Mapping[int, Silero]) -> None:
        self._shared = shared
        self._rx = shared.rx(rate_hz)
        self._mask = tx_capacity(rate_hz) - 1
        self._frame = np.arange(samples(FRAME_MS, rate_hz))
        self._heard = np.zeros(shared.rows, dtype=np.int64)
        self._voice: VoiceRows | None = None
        self._resampler: RowsResampler | None = None
        self._narrowing: tuple[RowsResampler, RowsResampler] | None = None
        if rate_hz != canceller.RATE_HZ:
            ours, theirs = (RowsResampler(shared.rows, rate_hz, canceller.RATE_HZ) for _ in range(2))
            self._narrowing = ours, theirs
        voice_hz = rate_hz if rate_hz in models else rate_hz // 3  # of 24 and 48 kHz
        if voice_hz in models:
            self._voice = VoiceRows(models[voice_hz], shared.rows, voice_hz)
            if voice_hz != rate_hz:
                self._resampler = RowsResampler(shared.rows, rate_hz, voice_hz)

    def reset(self, slots: Slots, frame: NDArray[np.int64]) -> None:
        """Begin anew at those frames."""
        self.pass_over(slots, frame)
        if self._voice is not None:
            self._voice.reset(slots)
        if self._resampler is not None:
            for slot in slots.tolist():
                self._resampler.open(slot)

    def pass_over(self, slots: Slots, frame: NDArray[np.int64]) -> None:
        """Go on at those frames."""
        before = self._shared.tx_heard[slots, (frame - 1) % RX_FRAMES]
        self._heard[slots] = np.where(frame > 0, before, 0)

    def received(self, slots: Slots, frame: NDArray[np.int64]) -> NDArray[np.int16]:
        """Shape (n, samples)."""
        pcm: NDArray[np.int16] = self._rx[slots, frame % RX_FRAMES]
        return pcm

    def sent(self, slots: Slots, frame: NDArray[np.int64]) -> NDArray[np.int16]:
        """What left at this tick, shape (n, samples)."""
        start, end = self._heard[slots], self._shared.tx_heard[slots, frame % RX_FRAMES]
        self._heard[slots] = end
        count = end - start
        count[count > len(self._frame)] = 0  # a flush: nearly all of it was skipped
        pcm = np.zeros((len(slots), len(self._frame)), dtype=np.int16)
        if count.any():
            pcm = self._shared.tx[slots[:, None], (start[:, None] + self._frame) & self._mask]
            pcm[self._frame >= count[:, None]] = 0
        return pcm

    def probability(self, slots: Slots, pcm: NDArray[np.int16]) -> NDArray[np.float32]:
        """Of voice, shape (n,); NaN without a model."""
        if self._voice is None:
            return np.full(len(slots), np.nan, dtype=np.float32)
        if self._resampler is not None:
            pcm = self._resampler.process(slots, pcm)
        return self._voice.feed(slots, pcm)

    def narrowed(
        self, slots: Slots, sent: NDArray[np.int16], received: NDArray[np.int16]
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Both as the echo control wants them."""
        if self._narrowing is None:
            return sent, received
        ours, theirs = self._narrowing
        return ours.process(slots, sent), theirs.process(slots, received)


class Analyst:
    """Call step() often enough that no row is more than LAG_FRAMES behind."""

    def __init__(self, shared: SharedRows, codecs: Sequence[Codec], models: Mapping[int, Silero]) -> None:
        """`codecs` in the order that the media process numbers them; `models` by sample rate in Hz."""
        self._shared = shared
        self._rate_hz = np.array([codec.rate_hz for codec in codecs])
        self._models = models
        self._rates: dict[int, _Rate] = {}
        self._echo = EchoControl(shared.rows)
        self._ssrc = np.zeros(shared.rows, dtype=np.uint32)
        self._done = np.zeros(shared.rows, dtype=np.int64)
        self._silent = np.full(shared.rows, DELAYS, dtype=np.int64)
        """Frames since we sent something."""

    def step(self) -> int:
        """Analyse what has come. Returns the number of frames."""
        frames = self._shared.media["frames"].copy()
        self._begin(frames)
        self._skip(frames)
        analysed = 0
        while len(rows := np.flatnonzero(self._done < frames)):
            for rate_hz, slots in self._by_rate(rows):
                self._analyse(self._rate(rate_hz), slots)
            analysed += len(rows)
        return analysed

    def _begin(self, frames: NDArray[np.int64]) -> None:
        """Take up the rows that have got another leg, and leave those that are being opened."""
        other = np.flatnonzero((self._shared.stream["ssrc"] != self._ssrc) | (frames < self._done))
        if not len(other):
            return
        self._done[other] = frames[other]
        begun = other[(frames[other] > 0) & (self._shared.stream["ssrc"][other] != 0)]
        if not len(begun):
            return
        first = np.maximum(0, frames[begun] - 1)
        for rate_hz, slots in self._by_rate(begun):
            self._rate(rate_hz).reset(slots, first[np.isin(begun, slots)])
        self._echo.reset(begun, self._moved(begun))
        self._silent[begun] = DELAYS
        self._ssrc[begun] = self._shared.stream["ssrc"][begun]
        self._done[begun] = first
        self._shared.analysis["frames"][begun] = 0
        self._shared.voice[begun] = np.nan
        self._shared.near[begun] = 1.0
        self._shared.analysis["ssrc"][begun] = self._ssrc[begun]

    def _skip(self, frames: NDArray[np.int64]) -> None:
        late = np.flatnonzero(frames - self._done > LAG_FRAMES)
        if not len(late):
            return
        newest = frames[late] - 1
        for rate_hz, slots in self._by_rate(late):
            self._rate(rate_hz).pass_over(slots, newest[np.isin(late, slots)])
        self._echo.forget_sent(late)
        place = np.arange(RX_FRAMES)
        unknown = (place - self._done[late][:, None]) % RX_FRAMES < (newest - self._done[late])[:, None]
        for ring, value in ((self._shared.voice, np.nan), (self._shared.near, 1.0)):
            kept = ring[late]
            kept[unknown] = value
            ring[late] = kept
        self._done[late] = newest

    def _analyse(self, rate: _Rate, slots: Slots) -> None:
        """One frame of each of those rows."""
        frame = self._done[slots]
        place = frame % RX_FRAMES
        pcm = rate.received(slots, frame)
        self._shared.voice[slots, place] = rate.probability(slots, pcm)
        sent = rate.sent(slots, frame)
        speaking = sent.any(axis=1)
        silent = np.where(speaking, 0, self._silent[slots] + 1)
        again = speaking & (self._silent[slots] >= DELAYS)
        if again.any():
            self._echo.forget_sent(slots[again])
        self._silent[slots] = silent
        near = np.ones(len(slots), dtype=np.float32)
        may_echo = silent < DELAYS
        if may_echo.any():
            chosen = slots[may_echo]
            ours, theirs = rate.narrowed(chosen, sent[may_echo], pcm[may_echo])
            gain = np.exp2(self._shared.bridge["gain_db"][chosen, None] * _LOG2_OF_DB).astype(np.float32)
            near[may_echo] = self._echo.near_share(chosen, ours * gain, theirs, self._moved(chosen))
        self._shared.near[slots, place] = near
        self._done[slots] = frame + 1
        self._shared.analysis["frames"][slots] = frame + 1  # last: what it covers is there

    def _moved(self, slots: Slots) -> NDArray[np.int64]:
        """Samples by which the rows' play heads were moved forward, as the echo control counts them."""
        blocks: NDArray[np.int64] = self._shared.media["moved_blocks"][slots]
        return blocks * (canceller.RATE_HZ // BLOCKS_A_SECOND)

    def _by_rate(self, slots: Slots) -> list[tuple[int, Slots]]:
        rates = self._rate_hz[self._shared.stream["codec"][slots]]
        return [(int(rate_hz), slots[rates == rate_hz]) for rate_hz in np.unique(rates)]

    def _rate(self, rate_hz: int) -> _Rate:
        if rate_hz not in self._rates:
            self._rates[rate_hz] = _Rate(self._shared, rate_hz, self._models)
        return self._rates[rate_hz]
