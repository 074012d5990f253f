"""One batch of packets: which are taken the short way makes no difference to what is heard."""

from __future__ import annotations

import numpy as np
import pytest

from ari_bridge.media import rtp
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.packets import PACKET_ROOM, Received
from ari_bridge.media.receiver import Receiver
from ari_bridge.media.shared import SharedRows, size

ULAW = find_codec("ulaw")
ROWS = 6


def heard(datagrams: list[list[tuple[int, bytes]]]) -> tuple[np.ndarray, SharedRows]:
    """What the rows hear of batches, one before each frame: (row, datagram) each."""
    shared, coders = SharedRows(bytearray(size(ROWS)), ROWS), ULAW.coders(ROWS)
    receiver = Receiver(ULAW, shared, coders, DelayRange.fixed(0.04), np.random.default_rng(1))
    for slot in range(ROWS):
        receiver.open(slot)
    out, slots = [], np.arange(ROWS)
    for frame in range(len(datagrams) + 5):
        due_s = 100 + 0.02 * frame
        batch = datagrams[frame] if frame < len(datagrams) else []
        if batch:
            octets = np.zeros((len(batch), PACKET_ROOM), dtype=np.uint8)
            for line, (_, raw) in zip(octets, batch, strict=True):
                line[: len(raw)] = np.frombuffer(raw, np.uint8)
            lengths, rows = np.array([len(raw) for _, raw in batch]), np.array([row for row, _ in batch])
            received = Received(octets, lengths, rows, np.full(len(batch), due_s - 0.001))
            headers = rtp.parse_batch(octets, lengths)
            receiver.receive(received, headers, rows, np.ones(len(rows), np.bool_), np.full(ROWS, due_s))
        receiver.play(slots, np.full(ROWS, due_s), frame)
        out.append(shared.rx(8000)[:, frame].copy())
    return np.concatenate(out, axis=1), shared


def packet(row: int, number: int, *, ssrc: int = 3, marker: bool = False) -> tuple[int, bytes]:
    payload = np.random.default_rng([row, number]).integers(0, 256, 160).astype(np.uint8).tobytes()
    return row, rtp.build(rtp.Packet(marker, 0, number & 0xFFFF, number * 160, ssrc, payload))


PLAIN = [[packet(row, number) for row in range(ROWS)] for number in range(20)]


def test_an_odd_packet_changes_nothing_for_the_other_rows() -> None:
    """A digit, a pause's marker, a loss, 40 ms, no RTP: each sends its batch the long way."""
    event = rtp.build(rtp.Packet(True, rtp.TELEPHONE_EVENT, 5, 800, 3, b"\x05\x0a\x00\xa0"))
    odd = [list(batch) for batch in PLAIN]
    odd[5] = [(5, event), *odd[5][:5]]
    odd[7][5] = packet(5, 7, marker=True)
    del odd[9][5]
    odd[10][5] = (5, odd[10][5][1] + bytes(160))
    odd[11][5] = (5, b"\x00" * 20)
    plain, _ = heard(PLAIN)
    mixed, shared = heard(odd)
    assert np.array_equal(plain[:5], mixed[:5])
    second_half = ULAW.decode(np.zeros(160, dtype=np.uint8))
    assert np.count_nonzero(mixed[5] == second_half[0]) >= 160, "of the packet of 40 ms"
    assert shared.media["digit_count"].tolist() == [0, 0, 0, 0, 0, 1]
    assert not shared.media["lost"][:5].any()


@pytest.mark.parametrize("together", [2, 5])
def test_several_packets_of_a_row_in_one_batch_count_once_each_in_order(together: int) -> None:
    late = [
        *PLAIN[:5],
        *[[] for _ in range(together - 1)],
        [each for batch in PLAIN[5 : 5 + together] for each in batch],
        *PLAIN[5 + together :],
    ]
    _, shared = heard(late)
    assert shared.media["received"].tolist() == [20] * ROWS
    for never in ("reordered", "duplicate", "lost", "malformed"):
        assert not shared.media[never].any(), never


def test_the_same_packet_twice_in_one_batch_is_a_duplicate() -> None:
    twice = [*PLAIN[:8], PLAIN[8] + [packet(2, 8)], *PLAIN[9:]]
    once, _ = heard(PLAIN)
    again, shared = heard(twice)
    assert np.array_equal(once, again)
    assert shared.media["duplicate"].tolist() == [0, 0, 1, 0, 0, 0]
