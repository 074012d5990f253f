"""The analyst over shared rows, with the media process played by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.core.audio import FrameAnalysis
from ari_bridge.media.analysis.analyst import LAG_FRAMES
from ari_bridge.media.analysis.echo_control import EchoControl
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.playout import Playout
from ari_bridge.media.shared import SharedRows, size
from ari_bridge.sandbox.audio_bench import CODEC_AT, AudioBench

RNG = np.random.default_rng(2)


def noise(rows: int, samples: int, amplitude: float) -> np.ndarray:
    return RNG.normal(0, amplitude, (rows, samples)).astype(np.int16)


def analysis(row: BridgeRow) -> FrameAnalysis:
    found = row.read().analysis
    assert found is not None
    return found


def test_what_it_finds_is_what_the_echo_control_finds() -> None:
    bench = AudioBench(2, 8000, {})
    echo, slots, still = EchoControl(2), np.arange(2), np.zeros(2, np.int64)
    echo.reset(slots, still)
    sent_before = np.zeros((2, 160), np.int16)
    expected = []
    for _ in range(40):
        sent = noise(2, 160, 3000)
        received = (sent_before // 8 + noise(2, 160, 300)).astype(np.int16)
        bench.tick(sent, received)
        assert bench.analyst.step() == 2
        expected.append(echo.near_share(slots, sent.astype(np.float32), received, still))
        sent_before = sent
    found = analysis(bench.rows[1])
    assert found.first_frame == 0
    assert found.near == pytest.approx(np.stack(expected)[:, 1], abs=1e-3)
    assert np.isnan(found.voice).all(), "there is no model"


@pytest.mark.parametrize("rate_hz", sorted(CODEC_AT))
def test_echo_is_none_of_the_caller_at_every_rate(rate_hz: int) -> None:
    bench = AudioBench(1, rate_hz, {})
    sent_before = np.zeros((1, bench.frame_samples), np.int16)
    for _ in range(100):
        sent = noise(1, bench.frame_samples, 3000)
        bench.tick(sent, sent_before // 8)
        bench.analyst.step()
        sent_before = sent
    assert (analysis(bench.rows[0]).near[2:] == 0).all()


@pytest.mark.parametrize("is_told", [True, False])
def test_the_echo_is_followed_when_our_jitter_buffer_moves(is_told: bool) -> None:
    bench = AudioBench(1, 8000, {})
    rng = np.random.default_rng(2)
    sent = [rng.normal(0, level, (1, 160)).astype(np.int16) for level in rng.uniform(300, 5000, 200)]
    tone = (1000 * np.sin(2 * np.pi * 1000 * np.arange(160) / 8000)).astype(np.int16)
    for frame in range(6, 190):
        moved = frame >= 160
        bench.shared.media["moved_blocks"] = 16 if moved and is_told else 0
        echo = sent[frame - (3 if moved else 5)] // 4
        bench.tick(sent[frame], echo + tone * (frame >= 162))  # about as loud as the echo
        bench.analyst.step()
    near = analysis(bench.rows[0]).near
    assert (near[:-32] == 0).all()
    heard = (near[-28:-8] > 0).mean()
    assert heard > 0.5 if is_told else heard < 0.5


def test_while_we_are_silent_everything_is_the_caller() -> None:
    bench = AudioBench(1, 8000, {})
    for _ in range(30):
        bench.tick(np.zeros((1, 160), np.int16), noise(1, 160, 3000))
        bench.analyst.step()
    assert (analysis(bench.rows[0]).near == 1.0).all()


def test_a_gain_makes_the_echo_that_much_louder() -> None:
    bench = AudioBench(1, 8000, {})
    bench.rows[0].set_gain_db(20.0)
    for _ in range(100):
        sent = noise(1, 160, 800)
        bench.tick(sent, (sent * 2.5).astype(np.int16))  # -12 dB of what really left
        bench.analyst.step()
    assert (analysis(bench.rows[0]).near[1:] < 0.4).all()


def test_analysis_is_read_once_and_in_order() -> None:
    bench = AudioBench(1, 8000, {})
    silence = np.zeros((1, 160), np.int16)
    bench.tick(silence, silence)
    assert bench.rows[0].read().analysis is None, "nobody has looked yet"
    bench.analyst.step()
    for _ in range(3):
        bench.tick(silence, silence)
    late = analysis(bench.rows[0])
    assert (late.first_frame, len(late.near)) == (0, 1)
    bench.analyst.step()
    bench.tick(silence, silence)
    late = analysis(bench.rows[0])
    assert (late.first_frame, len(late.near)) == (1, 3)


def test_rows_that_it_cannot_keep_up_with_are_taken_up_at_their_newest_frame() -> None:
    bench = AudioBench(1, 8000, {})
    bench.tick(noise(1, 160, 3000), noise(1, 160, 3000))
    bench.analyst.step()
    for _ in range(LAG_FRAMES + 5):
        bench.tick(noise(1, 160, 3000), noise(1, 160, 300))
    assert bench.analyst.step() == 1
    found = analysis(bench.rows[0])
    assert len(found.near) == LAG_FRAMES + 6
    assert (found.near[1:-1] == 1.0).all(), "of what was left out nothing is known"
    assert np.isnan(found.voice).all()


def test_a_new_leg_in_the_row_gets_nothing_of_the_old_one() -> None:
    bench = AudioBench(1, 8000, {})
    for _ in range(60):
        sent = noise(1, 160, 3000)
        bench.tick(sent, sent)
        bench.analyst.step()
    assert analysis(bench.rows[0]).near[-1] < 0.4
    codec = int(bench.shared.stream["codec"][0])
    bench.shared.open(0)
    bench.shared.stream[0]["codec"] = codec
    bench.shared.stream[0]["ssrc"] = 77
    bench.shared.tx_heard[0] = 0
    again = BridgeRow(bench.shared, 0, find_codec("ulaw"))
    bench.shared.media["frames"] = 1
    assert again.read().analysis is None, "what is there is the old leg's"
    bench.analyst.step()
    bench.shared.media["frames"] = 2
    found = analysis(again)
    assert (found.first_frame, found.near.tolist()) == (0, [1.0])


def test_an_analyst_that_takes_over_says_nothing_of_what_it_did_not_see() -> None:
    bench = AudioBench(1, 8000, {})
    sent = noise(1, 160, 3000)
    for _ in range(60):
        bench.tick(sent, sent)
        bench.analyst.step()
    bench.rows[0].read()
    for _ in range(20):
        bench.tick(sent, sent)
    type(bench.analyst)(bench.shared, bench.codecs, {}).step()
    found = analysis(bench.rows[0])
    assert found.first_frame == 60
    assert (found.near[:-1] == 1.0).all()


def test_the_playout_notes_what_left_at_each_tick() -> None:
    """The other half of what AudioBench plays by hand."""
    shared = SharedRows(bytearray(size(1)), 1)
    row, playout, slots = BridgeRow(shared, 0, find_codec("ulaw")), Playout(shared, 8000, 160), np.array([0])
    playout.open(0)
    row.write(np.full(400, 9, np.int16))
    for expected in (160, 320, 400, 400):
        playout.take(slots)
        assert shared.tx_heard[0, int(shared.media["sent"][0]) - 1] == expected
    row.write(np.full(1000, 9, np.int16))
    playout.take(slots)
    row.want_flush()
    playout.take(slots)
    assert shared.tx_heard[0, 5] == 1400
