"""What is on the caller's line besides words: noises, the voice mixed with them, and a network that loses."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.audio import FRAME_MS, Pcm16, samples
from ari_bridge.sandbox.scenario import LineQuality, Sound

_FULL_SCALE = 32768.0
_CLICK_MS = 6
_BEST_DELAY_SIGMAS = 2.0
"""The network's shortest delay lies so many standard deviations below its mean."""

_Wave = NDArray[np.float64]


def noise(sound: Sound, duration_ms: float, level_dbfs: float, rate_hz: int, *, seed: int = 7) -> Pcm16:
    """The sound, shape (samples,); its loudest 20 ms have `level_dbfs` (RMS). The same each time."""
    count = samples(duration_ms, rate_hz)
    wave = _MAKERS[sound](count, rate_hz, np.random.default_rng(seed))
    size = max(1, min(samples(FRAME_MS, rate_hz), count))
    frames = wave[: count // size * size].reshape(-1, size)
    loudest = float(np.sqrt(np.mean(frames**2, axis=1).max(initial=1e-12)))
    wave *= _FULL_SCALE * 10 ** (level_dbfs / 20) / loudest
    pcm: Pcm16 = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
    return pcm


def _cough(count: int, rate_hz: int, rng: np.random.Generator) -> _Wave:
    """A burst that explodes, then a breathy tail (Morice et al., ERJ 29, 2007: phases of a cough)."""
    t = np.arange(count) / max(1, count)
    envelope = np.where(t < 0.08, t / 0.08, np.exp(-(t - 0.08) * 4.5))
    return _shaped(rng.normal(0, 1, count), rate_hz, 350, 1600) * envelope


def _click(count: int, rate_hz: int, rng: np.random.Generator) -> _Wave:
    wave = np.zeros(count)
    size = min(count, samples(_CLICK_MS, rate_hz))
    wave[:size] = rng.normal(0, 1, size) * np.exp(-np.arange(size) / max(1, size) * 5)
    return wave


def _hiss(count: int, rate_hz: int, rng: np.random.Generator) -> _Wave:
    wave: _Wave = rng.normal(0, 1, count)
    return wave


def _street(count: int, rate_hz: int, rng: np.random.Generator) -> _Wave:
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 0.3 * np.arange(count) / rate_hz + rng.uniform(0, 6))
    return _shaped(rng.normal(0, 1, count), rate_hz, 40, 500) * swell


def _babble(count: int, rate_hz: int, rng: np.random.Generator) -> _Wave:
    """Eight voices' worth of noise in the speech band, each in syllables of its own."""
    wave = np.zeros(count)
    t = np.arange(count) / rate_hz
    for _ in range(8):
        syllables = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 5) * t + rng.uniform(0, 6))
        centre = rng.uniform(400, 1800)
        wave += _shaped(rng.normal(0, 1, count), rate_hz, centre * 0.7, centre * 1.4) * syllables
    return wave


def _shaped(wave: _Wave, rate_hz: int, low_hz: float, high_hz: float) -> _Wave:
    """Only what lies between the two frequencies, with soft edges."""
    if not len(wave):
        return wave
    spectrum = np.fft.rfft(wave)
    at_hz = np.maximum(np.fft.rfftfreq(len(wave), 1 / rate_hz), 1.0)
    gain = 1 / (1 + (low_hz / at_hz) ** 4) / (1 + (at_hz / high_hz) ** 4)
    return np.fft.irfft(spectrum * gain, len(wave))


_MAKERS = {
    Sound.COUGH: _cough,
    Sound.CLICK: _click,
    Sound.HISS: _hiss,
    Sound.STREET: _street,
    Sound.BABBLE: _babble,
}


class CallerVoice:
    """What the caller's microphone picks up, frame by frame: words one after the other, noises under them."""

    def __init__(self, rate_hz: int, noise_dbfs: float | None = None, seed: int = 1) -> None:
        self._frame = samples(FRAME_MS, rate_hz)
        self._words = np.zeros(0, np.int16)
        self._noise = np.zeros(0, np.float64)
        self._hiss = 0.0 if noise_dbfs is None else _FULL_SCALE * 10 ** (noise_dbfs / 20)
        self._rng = np.random.default_rng(seed)

    def say(self, pcm: Pcm16) -> None:
        self._words = np.concatenate((self._words, pcm))

    def add_noise(self, pcm: Pcm16) -> None:
        length = max(len(pcm), len(self._noise))
        self._noise = np.pad(self._noise, (0, length - len(self._noise)))
        self._noise[: len(pcm)] += pcm

    @property
    def speaking(self) -> bool:
        return len(self._words) > 0

    def next_frame(self) -> Pcm16:
        """The next 20 ms, shape (samples,)."""
        size = self._frame
        words, self._words = self._words[:size], self._words[size:]
        under, self._noise = self._noise[:size], self._noise[size:]
        wave = np.zeros(size)
        wave[: len(words)] += words
        wave[: len(under)] += under
        if self._hiss:
            wave += self._rng.normal(0, self._hiss, size)
        return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


class Network:
    """How long each packet takes, and which are lost: a Gilbert model for bursts (Gilbert, "Capacity of a
    Burst-Noise Channel", BSTJ 39, 1960), normal jitter."""

    def __init__(self, quality: LineQuality) -> None:
        self._rng = random.Random(quality.seed)
        self._jitter_s = quality.jitter_ms / 1000
        stay = 1 - 1 / max(1.0, quality.burst)
        self._lose_on = stay
        share = min(quality.loss, 0.99)
        self._begin_losing = share * (1 - stay) / (1 - share) if share else 0.0
        self._losing = False

    def delay_s(self) -> float | None:
        """Of the next packet, beyond the fastest one's; None: it is lost."""
        self._losing = self._rng.random() < (self._lose_on if self._losing else self._begin_losing)
        if self._losing:
            return None
        if not self._jitter_s:
            return 0.0
        return max(0.0, self._rng.gauss(_BEST_DELAY_SIGMAS * self._jitter_s, self._jitter_s))
