"""The whole engine with packets and time made by hand."""

from __future__ import annotations

import mmap
from dataclasses import dataclass

import numpy as np
import opuslib_next
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.audio import FrameFlags, Pcm16
from ari_bridge.core.errors import MediaError
from ari_bridge.media import rtp
from ari_bridge.media.bridge_row import BridgeRow
from ari_bridge.media.codecs.base import Codec
from ari_bridge.media.codecs.registry import find_codec, known_codecs
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.engine import MAX_CATCH_UP_S, Engine
from ari_bridge.media.packets import PACKET_ROOM, Endpoint, Received, endpoint
from ari_bridge.media.rows import FULL_PHASE, LOT_ROWS, TICK_S
from ari_bridge.media.shared import RX_KEEP, SharedRows, size

ROWS = 24
START_S = 1000.0


@dataclass
class Sent:
    at_s: float
    to: Endpoint
    packet: rtp.Packet


class Bench:
    """An engine, its clock, and everything it sent."""

    def __init__(self, delay_s: float = 0.04) -> None:
        self.shared = SharedRows(bytearray(size(ROWS)), ROWS)
        self.now = START_S + 0.001  # between two ticks
        self.engine = Engine(
            self.shared,
            list(known_codecs().values()),
            delay=DelayRange.fixed(delay_s),
            now=START_S,
            rng=np.random.default_rng(5),
        )
        self.free = list(range(ROWS))
        self.sent: list[Sent] = []

    def open(self, peer: Endpoint, codec: str = "ulaw") -> BridgeRow:
        slot = self.free.pop(0)
        self.engine.open(slot, codec, peer, self.now)
        return BridgeRow(self.shared, slot, find_codec(codec))

    def run(self, seconds: float, step_s: float = TICK_S) -> None:
        until = self.now + seconds - 1e-9
        while self.now < until:
            self.now += step_s
            self.tick()

    def tick(self) -> None:
        while (due_s := self.engine.next_due_s()) is not None and due_s <= self.now:
            for outgoing in self.engine.send(self.now):
                for octets, to in zip(outgoing.octets, outgoing.destinations.tolist(), strict=True):
                    packet = rtp.parse(octets.tobytes())
                    assert packet is not None
                    self.sent.append(Sent(self.now, to, packet))
            self.engine.play()

    def receive(self, *datagrams: tuple[Endpoint, bytes], arrival_s: float | None = None) -> None:
        octets = np.full((len(datagrams), PACKET_ROOM), 0x55, dtype=np.uint8)
        for row, (_, datagram) in zip(octets, datagrams, strict=True):
            row[: len(datagram)] = np.frombuffer(datagram[:PACKET_ROOM], np.uint8)
        self.engine.receive(
            Received(
                octets,
                np.array([len(datagram) for _, datagram in datagrams]),
                np.array([source for source, _ in datagrams]),
                np.full(len(datagrams), self.now if arrival_s is None else arrival_s),
            ),
            self.now,
        )


def peer(number: int) -> Endpoint:
    return endpoint("127.0.0.1", 10000 + number)


def tone(codec: Codec, number: int, level: int = 4000) -> Pcm16:
    t = np.arange(number * codec.frame_samples, (number + 1) * codec.frame_samples)
    return np.rint(level * np.sin(2 * np.pi * 400 * t / codec.rate_hz)).astype(np.int16)


def datagram(codec: Codec, number: int, pcm: Pcm16 | None = None, *, ssrc: int = 9) -> bytes:
    payload = codec.encode(tone(codec, number) if pcm is None else pcm).tobytes()
    clock = number * codec.frame_clocks
    return rtp.build(rtp.Packet(False, codec.payload_type, number & 0xFFFF, clock, ssrc, payload))


def sent_as(codec: Codec) -> Codec:
    return find_codec(codec.send_as or codec.name)


def exact(name: str) -> bool:
    """What is sent is coded frame by frame, at the rate it was played."""
    wire = sent_as(find_codec(name))
    return wire.memory is None and wire.rate_hz == find_codec(name).rate_hz


CODECS = pytest.mark.parametrize("codec", sorted(known_codecs()))
EXACT = sorted(filter(exact, known_codecs()))
WIDE = sorted(set(known_codecs()) - set(EXACT))


def through(codec: Codec, payloads: list[bytes]) -> Pcm16:
    """The payloads of one stream, decoded one after the other."""
    coders = codec.coders(1)
    coders.open(0)
    row, there = np.zeros(1, np.int64), np.ones((1, 2), np.bool_)
    frames = [coders.decode(row, np.frombuffer(p, np.uint8)[None], there)[0] for p in payloads]
    return np.concatenate(frames)


def clean_db(pcm: Pcm16, frequency_hz: float, rate_hz: int) -> float:
    """How much stronger one sine is in `pcm` than everything else."""
    t = np.arange(len(pcm)) / rate_hz
    basis = np.exp(2j * np.pi * frequency_hz * t)
    basis = np.stack((basis.real, basis.imag), axis=1)
    fit = basis @ np.linalg.lstsq(basis, pcm.astype(np.float64), rcond=None)[0]
    return float(10 * np.log10(np.sum(fit**2) / np.sum((pcm - fit) ** 2)))


@CODECS
def test_silence_leaves_from_the_start_in_exact_time(codec: str) -> None:
    bench, known = Bench(), sent_as(find_codec(codec))
    opened_s = bench.now
    row = bench.open(peer(1), codec)
    bench.run(1.0)
    assert len(bench.sent) == 50
    assert bench.sent[0].at_s - opened_s <= 0.0201
    times = np.array([sent.at_s for sent in bench.sent])
    assert np.allclose(np.diff(times), 0.02, atol=1e-6)
    first = bench.sent[0].packet
    for n, sent in enumerate(bench.sent):
        packet = sent.packet
        assert sent.to == peer(1)
        assert (packet.payload_type, packet.ssrc) == (known.payload_type, first.ssrc)
        assert packet.sequence == (first.sequence + n) & 0xFFFF
        assert packet.timestamp == (first.timestamp + n * known.frame_clocks) & 0xFFFFFFFF
        assert not packet.marker
    heard = through(known, [sent.packet.payload for sent in bench.sent])
    assert np.abs(heard.astype(int)).max() <= 8, "A-law's silence is 8, G.722's a rustle of 3"
    assert row.stats().sent == row.stats().sent_silence == 50


@pytest.mark.parametrize("codec", sorted(n for n, codec in known_codecs().items() if codec.memory is None))
def test_what_the_caller_says_comes_out_after_the_delay(codec: str) -> None:
    bench, known = Bench(), find_codec(codec)
    row = bench.open(peer(1), codec)
    bench.run(0.1)
    sent_s = bench.now
    for number in range(20):
        bench.receive((peer(1), datagram(known, number)))
        bench.run(0.02)
    bench.run(0.04)
    chunk = row.read()
    begin = int(np.flatnonzero(chunk.pcm)[0])
    begin -= begin % (known.rate_hz // 400)
    said = np.concatenate([tone(known, n) for n in range(20)])
    played = chunk.pcm[begin : begin + len(said)]
    assert np.array_equal(played, known.decode(known.encode(said)))
    last_s = chunk.captured_s - 0.02 * (len(chunk.flags) - 1)
    assert 0.04 - 1e-6 <= last_s + begin / known.rate_hz - sent_s <= 0.0425 + 1e-6
    stats = row.stats()
    assert (stats.received, stats.lost, stats.late, stats.malformed) == (20, 0, 0, 0)
    assert not np.any(chunk.flags[:-1] & FrameFlags.CONCEALED), "only the end of the stream may be missed"
    assert stats.jitter_ms < 0.001


@pytest.mark.parametrize("codec", WIDE)
def test_wideband_legs_hear_and_are_heard_beside_each_other(codec: str) -> None:
    """Two rows of one codec and one of another: nobody's coder hears another's audio."""
    bench, known = Bench(), find_codec(codec)
    rows = [bench.open(peer(1), codec), bench.open(peer(2), "g722"), bench.open(peer(3), codec)]
    codecs = [known, find_codec("g722"), known]
    pitches = [500.0, 900.0, 6100.0]
    seconds = 0.6
    waves = [
        np.rint(8000 * np.sin(2 * np.pi * hz * np.arange(int(k.rate_hz * seconds)) / k.rate_hz)).astype(
            np.int16
        )
        for hz, k in zip(pitches, codecs, strict=True)
    ]
    for row, wave in zip(rows, waves, strict=True):
        row.write(wave)
    spoken = [payloads(k, wave) for k, wave in zip(codecs, waves, strict=True)]
    for number in range(int(seconds * 50)):
        batch = []
        for n, k in enumerate(codecs):
            clock = number * k.frame_clocks
            packet = rtp.Packet(False, k.payload_type, number, clock, 9, spoken[n][number])
            batch.append((peer(n + 1), rtp.build(packet)))
        bench.receive(*batch)
        bench.run(0.02)
    bench.run(0.06)
    for n, row in enumerate(rows):
        rate_hz, wire = codecs[n].rate_hz, sent_as(codecs[n])
        assert row.stats().malformed == 0
        heard = row.read().pcm
        begin = int(np.flatnonzero(np.abs(heard.astype(int)) > 1000)[0])
        assert clean_db(heard[begin + rate_hz // 5 : begin + rate_hz // 2], pitches[n], rate_hz) > 15
        sent = through(wire, [s.packet.payload for s in bench.sent if s.to == peer(n + 1)])
        assert clean_db(sent[wire.rate_hz // 5 : wire.rate_hz // 2], pitches[n], wire.rate_hz) > 15
        assert row.heard == len(waves[n])


def payloads(codec: Codec, pcm: Pcm16) -> list[bytes]:
    """Frames of one stream, as Asterisk would send them."""
    frames = pcm.reshape(-1, codec.frame_samples)
    if codec.name == "opus":
        encoder = opuslib_next.Encoder(codec.rate_hz, 1, "audio")
        return [encoder.encode(frame.tobytes(), codec.frame_samples) for frame in frames]
    coders = codec.coders(1)
    coders.open(0)
    return [coders.encode(np.zeros(1, np.int64), frame[None])[0].tobytes() for frame in frames]


def test_a_click_at_the_end_of_what_is_played_leaves_a_resampling_leg() -> None:
    bench, codec = Bench(), find_codec("slin48")
    row = bench.open(peer(1), "slin48")
    pcm = np.zeros(10 * codec.frame_samples, np.int16)
    pcm[-48:] = 20000
    row.write(pcm)
    bench.run(0.3)
    wire = sent_as(codec)
    sent = through(wire, [s.packet.payload for s in bench.sent])
    assert np.abs(sent[10 * wire.frame_samples :].astype(int)).max() > 5000
    assert np.abs(sent[11 * wire.frame_samples :].astype(int)).max() < 50


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_no_opus_packet_stops_the_engine(packets: list[bytes]) -> None:
    bench, codec = Bench(), find_codec("opus")
    row = bench.open(peer(1), "opus")
    for number, packet in enumerate(packets):
        raw = rtp.build(rtp.Packet(False, codec.payload_type, number, number * 960, 9, packet))
        bench.receive((peer(1), raw))
        bench.run(0.02)
    assert len(bench.sent) == len(packets)
    assert row.stats().received + row.stats().malformed == len(packets)


@pytest.mark.parametrize("codec", EXACT)
def test_played_audio_leaves_bit_for_bit(codec: str) -> None:
    bench, known = Bench(), find_codec(codec)
    row = bench.open(peer(1), codec)
    pcm = np.concatenate([tone(known, n, level=12000) for n in range(10)])
    row.write(pcm)
    bench.run(0.3)
    sent = b"".join(sent.packet.payload for sent in bench.sent)
    wire = sent_as(known)
    expected = wire.encode(pcm).tobytes()
    assert sent[: len(expected)] == expected
    assert sent[len(expected) :] == wire.encode(np.zeros(5 * wire.frame_samples, np.int16)).tobytes()
    assert row.heard == len(pcm)
    assert row.stats().sent_silence == 5


@CODECS
def test_pauses_and_flushes_do_not_show_in_the_headers(codec: str) -> None:
    """A packet leaves every 20 ms, so no talkspurt begins after a gap: the marker bit stays clear
    (RFC 3551, section 4.1), and timestamps and sequence numbers go on."""
    bench, known = Bench(), find_codec(codec)
    row = bench.open(peer(1), codec)
    row.write(np.full(known.rate_hz, 6000, np.int16))
    bench.run(0.1)
    row.set_paused(True)
    bench.run(0.1)
    row.set_paused(False)
    bench.run(0.1)
    row.want_flush()
    bench.run(0.1)
    row.write(np.full(known.frame_samples, 6000, np.int16))
    bench.run(0.1)
    packets = [sent.packet for sent in bench.sent]
    assert len(packets) == 25
    assert not any(packet.marker for packet in packets)
    timestamps = np.array([packet.timestamp for packet in packets], np.uint32)
    assert set(np.diff(timestamps).tolist()) == {sent_as(known).frame_clocks}
    assert set(np.diff(np.array([packet.sequence for packet in packets], np.uint16)).tolist()) == {1}
    assert row.heard == row.queued


def test_calls_do_not_hear_each_other() -> None:
    bench = Bench()
    names = EXACT
    rows = [bench.open(peer(n), names[n % len(names)]) for n in range(ROWS)]
    levels = [1000 + 300 * n for n in range(ROWS)]
    for number in range(10):
        batch = []
        for n, level in enumerate(levels):
            codec = find_codec(names[n % len(names)])
            pcm = np.full(codec.frame_samples, level, np.int16)
            batch.append((peer(n), datagram(codec, number, pcm)))
            rows[n].write(-pcm)
        order = np.random.default_rng(number).permutation(ROWS)
        bench.receive(*[batch[i] for i in order])
        bench.run(0.02)
    for n, level in enumerate(levels):
        codec = find_codec(names[n % len(names)])
        heard = row_levels(rows[n].read().pcm)
        assert heard - {0} == {int(codec.decode(codec.encode(np.full(2, level, np.int16)))[0])}
        own = [sent.packet for sent in bench.sent if sent.to == peer(n)]
        assert len(own) == 10
        wire = sent_as(codec)
        assert {p.payload_type for p in own} == {wire.payload_type}
        said = {int(wire.decode(np.frombuffer(p.payload, np.uint8))[-1]) for p in own}
        assert said == {int(wire.decode(wire.encode(np.full(2, -level, np.int16)))[0])}


def row_levels(pcm: Pcm16) -> set[int]:
    return set(np.unique(pcm).tolist())


def test_strangers_are_dropped_and_counted() -> None:
    bench, codec = Bench(), find_codec("ulaw")
    bench.receive((peer(3), datagram(codec, 0)))
    row = bench.open(peer(1))
    other_host = endpoint("127.0.0.2", 10001)
    bench.receive((peer(2), datagram(codec, 0)), (other_host, datagram(codec, 0)), (0, b""))
    bench.run(0.2)
    assert not row.read().pcm.any()
    assert (row.stats().strangers, row.stats().received) == (4, 0)


def test_digits_and_comfort_noise_are_never_audio() -> None:
    bench, codec = Bench(), find_codec("ulaw")
    row = bench.open(peer(1))
    bench.receive((peer(1), datagram(codec, 0)))
    bench.run(0.1)
    row.read()
    kinds = [rtp.TELEPHONE_EVENT] * 5 + [rtp.COMFORT_NOISE]
    for number, kind in enumerate(kinds, 1):
        payload = b"\x05\x8a\x00\xa0" if kind == rtp.TELEPHONE_EVENT else bytes([60])
        raw = rtp.build(rtp.Packet(False, kind, number, 160, 9, payload))
        bench.receive((peer(1), raw))
    bench.run(0.2)
    chunk = row.read()
    assert not np.any(chunk.flags & FrameFlags.CONCEALED), "comfort noise says that nothing is missing"
    assert 20 < np.std(chunk.pcm) < 50, "-60 dBov, as announced"
    bench.receive((peer(1), datagram(codec, 20)))
    assert (row.stats().received, row.stats().malformed, row.stats().lost) == (1 + 1, 0, 13)
    assert row.digits() == "5", "sent five times, pressed once"
    assert row.stats().digits == 1


def test_a_cut_off_telephone_event_is_malformed() -> None:
    bench = Bench()
    row = bench.open(peer(1))
    bench.receive((peer(1), rtp.build(rtp.Packet(True, rtp.TELEPHONE_EVENT, 1, 160, 9, b"\x05\x8a"))))
    assert (row.stats().malformed, row.digits()) == (1, "")


def test_bad_packets_of_a_leg_are_counted_and_do_no_harm() -> None:
    bench, codec = Bench(), find_codec("slin16")
    row = bench.open(peer(1), "slin16")
    good = [datagram(codec, n) for n in range(2)]
    bench.receive(
        (peer(1), good[0]),
        (peer(1), b""),
        (peer(1), b"garbage"),
        (peer(1), rtp.build(rtp.Packet(False, 0, 1, 0, 9, b"\xff" * 160))),  # another codec
        (peer(1), rtp.build(rtp.Packet(False, 118, 1, 0, 9, b"\xff" * 333))),  # half a sample
        (peer(1), rtp.build(rtp.Packet(False, 118, 1, 0, 9, b""))),
        (peer(1), rtp.build(rtp.Packet(False, 118, 1, 0, 9, b"\xff" * 4000))),
        (peer(1), good[1]),
    )
    bench.run(0.2)
    heard = row.read().pcm
    assert np.count_nonzero(heard) > 600
    assert int(np.abs(heard).max()) <= 4000
    assert (row.stats().received, row.stats().malformed, row.stats().lost) == (2, 6, 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=300)), max_size=30))
def test_no_packet_stops_the_engine(datagrams: list[tuple[bool, bytes]]) -> None:
    bench = Bench()
    row = bench.open(peer(1))
    for rtp_like, raw in datagrams:
        bench.receive((peer(1), b"\x80\x00" + raw if rtp_like else raw), (peer(1), raw[::-1]))
        bench.run(0.02)
    bench.run(0.1)
    assert len(bench.sent) == len(datagrams) + 5
    assert len(row.read().flags) == len(datagrams) + 5


def test_a_burst_of_one_call_is_taken_in_order() -> None:
    """What a standstill of 100 ms leaves in the socket comes as one batch."""
    bench, codec = Bench(), find_codec("ulaw")
    row = bench.open(peer(1))
    bench.open(peer(2))
    bench.receive((peer(1), datagram(codec, 0)))
    bench.now += 0.1
    bench.receive(*[(peer(1 + n % 2), datagram(codec, 1 + n // 2)) for n in range(10)])
    bench.tick()
    bench.run(0.1)
    assert not bench.shared.media["reordered"].any()
    heard = row.read().pcm
    begin = np.flatnonzero(heard)[0] - 1
    said = np.concatenate([tone(codec, n) for n in range(6)])
    assert np.array_equal(heard[begin : begin + len(said)], codec.decode(codec.encode(said)))


def test_what_came_meanwhile_is_taken_in_between_two_late_ticks() -> None:
    """All the late ones at once would play what has not been read from the socket yet."""
    bench = Bench()
    bench.open(peer(1))
    bench.run(0.1)
    bench.now += 0.1
    for ticks in range(1, 6):
        assert sum(len(packets) for packets in bench.engine.send(bench.now)) == 1
        assert bench.engine.next_due_s() == pytest.approx(bench.now - 0.1 + 0.02 * ticks, abs=0.02)
    assert not list(bench.engine.send(bench.now))


def test_the_packets_of_a_full_phase_leave_in_lots_over_two_ticks() -> None:
    rows = FULL_PHASE
    shared = SharedRows(mmap.mmap(-1, size(rows)), rows)
    engine = Engine(
        shared,
        [find_codec("ulaw")],
        delay=DelayRange.fixed(0.04),
        now=START_S,
        rng=np.random.default_rng(5),
    )
    for slot in range(rows):
        engine.open(slot, "ulaw", peer(slot), START_S)
    places = []
    for frame in range(1, 3):
        tick_s = START_S + 0.02 * frame
        lots = [(lot.due_s - tick_s, lot.destinations.tolist()) for lot in engine.send(tick_s + 0.001)]
        engine.play()
        assert [len(lot) for _, lot in lots] == [LOT_ROWS] * (rows // LOT_ROWS)
        assert [at_s for at_s, _ in lots] == pytest.approx(
            np.arange(len(lots)) * 2 * TICK_S / len(lots), abs=1e-6
        )
        places.append([peer for _, lot in lots for peer in lot])
    assert places[0] == places[1]
    assert set(places[0]) == {peer(slot) for slot in range(rows)}


def test_late_ticks_are_made_up_for() -> None:
    bench = Bench()
    bench.open(peer(1))
    bench.run(0.1)
    bench.now += MAX_CATCH_UP_S - 0.01
    bench.tick()
    bench.run(0.11)
    assert len(bench.sent) == 20
    assert not any(sent.packet.marker for sent in bench.sent)


def test_after_a_long_standstill_time_is_skipped_and_marked() -> None:
    bench, codec = Bench(), find_codec("ulaw")
    row = bench.open(peer(1))
    number = 0
    for number in range(10):
        bench.receive((peer(1), datagram(codec, number)))
        bench.run(0.02)
    before = bench.sent[-1]
    stopped_s = bench.now
    bench.now += 3.0
    bench.sent.clear()
    late = [(peer(1), datagram(codec, number + n)) for n in range(1, 151)]
    for n, packet in enumerate(late):
        bench.receive(packet, arrival_s=stopped_s + n * 0.02)
    bench.tick()
    assert len(bench.sent) <= 2, "no burst"
    after = bench.sent[0]
    elapsed = round((after.at_s - before.at_s) / 0.02) * 160
    assert after.packet.marker
    assert after.packet.sequence == (before.packet.sequence + 1) & 0xFFFF
    assert abs((after.packet.timestamp - before.packet.timestamp) % 2**32 - elapsed) <= 160
    row.read()
    for n in range(10):
        bench.receive((peer(1), datagram(codec, number + 151 + n)))
        bench.run(0.02)
    chunk = row.read()
    assert not np.any(chunk.flags), "the caller is heard at once, in place"
    newest = codec.decode(codec.encode(np.concatenate([tone(codec, number + 151 + n) for n in range(10)])))
    tail = chunk.pcm[-160:]
    lag = [k for k in range(0, 1440, 80) if np.array_equal(newest[k : k + 160], tail)]
    assert lag, "what is played is what was said"
    assert (len(newest) - 160 - max(lag)) / 8 <= 60, "and not later than before the standstill"


def test_a_reader_that_was_away_gets_the_newest_two_seconds() -> None:
    bench, codec = Bench(), find_codec("ulaw")
    row = bench.open(peer(1))
    bench.run(0.02)
    row.read()
    for number in range(200):
        bench.receive((peer(1), datagram(codec, number)))
        bench.run(0.02)
    chunk = row.read()
    assert len(chunk.flags) == RX_KEEP
    assert chunk.start_sample == 101 * 160
    assert row.overrun_frames == 100
    assert chunk.captured_s == pytest.approx(bench.now, abs=0.02)
    said = codec.decode(codec.encode(np.concatenate([tone(codec, n) for n in range(200)])))
    assert any(np.array_equal(said[k : k + len(chunk.pcm)], chunk.pcm) for k in range(0, len(said), 80))


def test_a_freed_row_starts_anew() -> None:
    bench, codec = Bench(), find_codec("ulaw")
    old = bench.open(peer(1))
    old.write(np.full(8000, 9000, np.int16))
    old.set_paused(True)
    for number in range(5):
        bench.receive((peer(1), datagram(codec, number)))
        bench.run(0.02)
    old.detach()
    bench.engine.close(0)
    bench.sent.clear()
    bench.run(0.1)
    assert bench.sent == []
    assert bench.engine.next_due_s() is None
    bench.now += 100
    bench.free.insert(0, 0)
    row = bench.open(peer(2), "alaw")
    bench.run(0.1)
    assert not row.read().pcm.any()
    alaw = find_codec("alaw")
    assert {s.packet.payload for s in bench.sent} == {alaw.encode(np.zeros(160, np.int16)).tobytes()}
    assert len(bench.sent) == 5
    assert (row.heard, row.queued, row.stats().received) == (0, 0, 0)
    assert old.stats().received == 5, "the old port keeps its figures"


def test_a_second_row_for_one_leg_is_refused_in_one_line() -> None:
    bench = Bench()
    bench.open(peer(1))
    bench.open(peer(2))
    bench.engine.close(1)
    with pytest.raises(MediaError, match=r"the leg at 127\.0\.0\.1:10001 has a row already"):
        bench.open(peer(1))
    bench.open(peer(2))
    bench.run(0.02)
    assert sorted(sent.to for sent in bench.sent) == [peer(1), peer(2)]


def test_next_due_names_the_next_tick_with_a_row() -> None:
    bench = Bench()
    bench.open(peer(1))
    bench.tick()
    for _ in range(3):
        due_s = bench.engine.next_due_s()
        assert due_s is not None
        count = len(bench.sent)
        bench.now = due_s - 1e-4
        bench.tick()
        assert len(bench.sent) == count
        bench.now = due_s
        bench.tick()
        assert len(bench.sent) == count + 1
