"""Our own voice that comes back is not the caller's: on made-up voices, over all delays and levels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ari_bridge.media.analysis.bands import BANDS, BandLevels
from ari_bridge.media.analysis.echo import EchoReference
from ari_bridge.media.analysis.echo_control import EchoControl

RATE_HZ = 8000
FRAME = 160
DELAYS_MS = (20, 33, 90, 147, 200, 250)

Wave = NDArray[np.float64]


def voice(seconds: float, pitch_hz: float, seed: int) -> Wave:
    """Syllables of changing vowels, with gaps between words, at about -20 dBFS."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds * RATE_HZ:
        t = np.arange(round(rng.uniform(0.1, 0.3) * RATE_HZ)) / RATE_HZ
        formants = rng.uniform((300, 900, 2200), (800, 2000, 3000))
        harmonics = np.arange(1, int(3400 / pitch_hz))
        gains = sum(np.exp(-(((harmonics * pitch_hz - f) / 150) ** 2)) for f in formants) + 0.02
        buzz = sum(g * np.sin(2 * np.pi * pitch_hz * k * t) for k, g in zip(harmonics, gains, strict=True))
        parts.append(buzz * np.sin(np.pi * t / t[-1]) * rng.uniform(0.4, 1))
        if rng.random() < 0.3:
            parts.append(np.zeros(round(rng.uniform(0.05, 0.25) * RATE_HZ)))
    wave = np.concatenate(parts)[: round(seconds * RATE_HZ)]
    return wave * 3276 / np.sqrt(np.mean(wave**2))


def delayed(wave: Wave, delay_ms: float) -> Wave:
    delay = round(delay_ms * RATE_HZ / 1000)
    return np.concatenate([np.zeros(delay), wave[: len(wave) - delay]])


def noise(length: int) -> Wave:
    return np.random.default_rng(4).normal(0, 10, length)


def frames(waves: list[Wave]) -> NDArray[np.int16]:
    """Shape (frames, calls, samples)."""
    whole = len(waves[0]) // FRAME * FRAME
    pcm = np.clip(np.rint(np.stack(waves)[:, :whole]), -32768, 32767).astype(np.int16)
    return pcm.reshape(len(waves), -1, FRAME).swapaxes(0, 1)


def shares(
    sent: list[Wave], received: list[Wave], moves: dict[int, int] | None = None
) -> NDArray[np.float32]:
    """The near share of each call's frames, shape (calls, frames); `moves`: samples by which the play head
    was moved ahead before a frame."""
    echo, slots = EchoControl(len(sent)), np.arange(len(sent))
    moved = np.zeros(len(sent), dtype=np.int64)
    echo.reset(slots, moved)
    found = []
    for frame, (ours, theirs) in enumerate(zip(frames(sent), frames(received), strict=True)):
        moved = moved + (moves or {}).get(frame, 0)
        found.append(echo.near_share(slots, ours.astype(np.float32), theirs, moved))
    return np.stack(found, axis=1)


def told_after_ms(near: NDArray[np.float32], begins_s: float) -> float:
    """When three of four frames are voiced: an onset."""
    told = np.convolve(near[round(begins_s * 50) :] > 0, np.ones(4))[:100] >= 3
    return float(np.argmax(told) + 1) * 20 if told.any() else np.inf


def loud(wave: Wave) -> NDArray[np.bool_]:
    """Frames in which there is something to hear."""
    frames = wave[: len(wave) // FRAME * FRAME].reshape(-1, FRAME)
    return np.sqrt(np.mean(frames**2, axis=1)) > 60


@pytest.mark.parametrize("level_db", [-20.0, -12.0])
def test_echo_is_not_the_caller(level_db: float) -> None:
    agent = voice(12.0, 110, seed=1)
    echoes = [delayed(agent, ms) * 10 ** (level_db / 20) for ms in DELAYS_MS]
    near = shares([agent] * len(echoes), [e + noise(len(e)) for e in echoes])
    for one, echo in zip(near, echoes, strict=True):
        taken_for_voice = one[loud(echo)] > 0
        assert taken_for_voice.mean() < 0.03
        # No three of four frames in a row, which would be an onset.
        assert np.convolve(one * loud(echo) > 0, np.ones(4)).max() < 3


@pytest.mark.parametrize("caller_db", [0.0, -12.0, -18.0])
@pytest.mark.parametrize("level_db", [-20.0, -12.0])
def test_the_caller_is_heard_in_the_echo(level_db: float, caller_db: float) -> None:
    agent, caller = voice(12.0, 110, seed=1), voice(2.0, 190, seed=2) * 10 ** (caller_db / 20)
    received = []
    for number, ms in enumerate(DELAYS_MS):
        line = delayed(agent, ms) * 10 ** (level_db / 20) + noise(len(agent))
        line[(3 + number) * RATE_HZ :][: len(caller)] += caller
        received.append(line)
    for number, one in enumerate(shares([agent] * len(received), received)):
        assert told_after_ms(one, 3.0 + number) <= 200


def test_a_caller_below_the_echo_is_heard_after_our_jitter_buffer_has_moved() -> None:
    agent, caller = voice(8.0, 110, seed=1), voice(1.0, 190, seed=2) * 10 ** (-14 / 20)
    line = delayed(agent, 100) * 10 ** (-12 / 20)
    at = 4 * RATE_HZ
    sooner = np.concatenate([line[:at], line[at + 160 :], np.zeros(160)]) + noise(len(line))
    (alone,) = shares([agent], [sooner], {4 * 50: 160})
    assert np.convolve(alone * loud(sooner) > 0, np.ones(4)).max() < 3
    sooner[at + FRAME * 10 :][: len(caller)] += caller
    (near,) = shares([agent], [sooner], {4 * 50: 160})
    assert told_after_ms(near, 4.2) <= 200
    (untold,) = shares([agent], [sooner])
    assert told_after_ms(untold, 4.2) > 200, "or it would not have to be told"


def test_a_handset_that_rattles_is_still_echo() -> None:
    agent = voice(12.0, 110, seed=1)
    loudspeaker = np.tanh(agent / 6000) * 6000
    echo = delayed(loudspeaker, 90) * 0.25
    (near,) = shares([agent], [echo + noise(len(echo))])
    assert np.convolve(near * loud(echo) > 0, np.ones(4)).max() < 3


def test_a_line_without_echo_takes_nothing_from_the_caller_once_that_is_known() -> None:
    agent, caller = voice(3.0, 110, seed=1), voice(1.0, 190, seed=2) * 0.1
    line = noise(len(agent))
    line[3 * RATE_HZ // 2 :][: len(caller)] += caller
    (near,) = shares([agent], [line])
    assert np.median(near[75:125][loud(caller)]) > 0.75, "20 dB softer than the agent"


def test_a_delay_that_grows_by_a_frame_is_still_echo() -> None:
    agent = voice(12.0, 110, seed=1)
    echo = delayed(agent, 100) * 0.2
    echo[6 * RATE_HZ :] = (delayed(agent, 120) * 0.2)[6 * RATE_HZ :]
    (near,) = shares([agent], [echo + noise(len(echo))])
    assert np.convolve(near * loud(echo) > 0, np.ones(4)).max() < 3


def test_rows_do_not_touch_each_other_and_a_reset_forgets() -> None:
    agent = voice(4.0, 110, seed=1)
    with_echo, without = delayed(agent, 100) * 0.2 + noise(len(agent)), noise(len(agent))
    both = shares([agent, agent], [with_echo, without])
    assert both[0] == pytest.approx(shares([agent], [with_echo])[0], abs=1e-4)
    assert both[1] == pytest.approx(shares([agent], [without])[0], abs=1e-4)

    echo, slots = EchoReference(1), np.array([0])
    sent, received = (np.full((1, BANDS), level, np.float32) for level in (60.0, 30.0))
    first = [echo.predict(slots, sent, received)[0, 0] for _ in range(80)]
    assert first[0] > first[-1], "it has learnt"
    echo.reset(slots)
    assert [echo.predict(slots, sent, received)[0, 0] for _ in range(80)] == first


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_band_levels_add_up_to_the_tone_at_every_rate(rate_hz: int) -> None:
    t = np.arange(rate_hz // 25) / rate_hz
    tone = (3000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)[None]
    half = tone.shape[1] // 2
    levels = BandLevels(rate_hz)(tone[:, :half], tone[:, half:])
    assert 10 * np.log10(np.sum(10 ** (levels / 10))) == pytest.approx(10 * np.log10(3000**2 / 2), abs=0.3)
    assert np.sort(levels[0])[-3] < levels.max() - 20, "it is in one band, or on the border of two"
