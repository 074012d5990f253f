"""One stream of packets as it was sent and as it arrived, and its file: CSV with a heading.

    sequence,sent_s,arrived_s
    0,0.000,100.0312
    1,0.020,100.0509
    2,0.040,                    lost

`sequence` counts packets and does not wrap; `sent_s` is the media time of a packet's first sample by the
sender's clock, `arrived_s` its arrival by the receiver's, empty when it never came. Each clock has an origin
of its own. Lines may be in any order, and a sequence number may come again (a duplicate).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ari_bridge.core.errors import SettingsError

COLUMNS = ("sequence", "sent_s", "arrived_s")
PACKET_MS = (10, 20, 30, 40, 60)
LONGEST_S = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Trace:
    """n packets in order of sequence. Times begin near zero: the first packet is sent at 0."""

    name: str
    sequence: NDArray[np.int64]
    sent_s: NDArray[np.float64]
    arrived_s: NDArray[np.float64]
    """From the first arrival on; infinite for a lost packet."""
    packet_ms: int

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def lost(self) -> float:
        """Share of the packets that the path lost."""
        return float(np.mean(~np.isfinite(self.arrived_s)))

    @property
    def transit_s(self) -> NDArray[np.float64]:
        """How much longer each packet took than the fastest one (by the two clocks)."""
        took_s: NDArray[np.float64] = self.arrived_s - self.sent_s
        least_s: float = took_s.min()
        return took_s - least_s


def trace(
    name: str, sequence: NDArray[np.int64], sent_s: NDArray[np.float64], arrived_s: NDArray[np.float64]
) -> Trace:
    """Raises SettingsError when it cannot be a stream of audio."""
    arrived = np.isfinite(arrived_s)
    if np.count_nonzero(arrived) < 2:
        raise SettingsError(f"{name}: fewer than two packets arrived")
    order = np.argsort(sequence, kind="stable")
    sequence, sent_s, arrived_s = sequence[order], sent_s[order], arrived_s[order]
    for what, times_s in (("sent_s", sent_s), ("arrived_s", arrived_s[np.isfinite(arrived_s)])):
        if np.ptp(times_s) > LONGEST_S:
            raise SettingsError(f"{name}: {what} spans more than {LONGEST_S / 3600:.0f} hours")
    return Trace(
        name, sequence, sent_s - sent_s[0], arrived_s - arrived_s.min(), _packet_ms(name, sequence, sent_s)
    )


def _packet_ms(name: str, sequence: NDArray[np.int64], sent_s: NDArray[np.float64]) -> int:
    """How much audio a packet holds: the usual step from one to the next."""
    steps_s = np.diff(sent_s)[np.diff(sequence) == 1]
    usual_ms = float(np.median(steps_s)) * 1000 if len(steps_s) else 0.0
    nearest = min(PACKET_MS, key=lambda size: abs(size - usual_ms))
    if abs(nearest - usual_ms) > 2:
        sizes = ", ".join(map(str, PACKET_MS))
        raise SettingsError(f"{name}: packets of {usual_ms:g} ms; they can be replayed at {sizes} ms")
    return nearest


def read_csv(path: Path) -> Trace:
    """Raises SettingsError naming the line that is wrong."""
    sequence, sent_s, arrived_s = [], [], []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != COLUMNS:
                raise SettingsError(f"{path}: the first line is not {','.join(COLUMNS)}")
            for row in reader:
                try:
                    number, sent, arrived = row
                    sequence.append(_whole(number))
                    sent_s.append(_finite(sent))
                    arrived_s.append(_finite(arrived) if arrived.strip() else np.inf)
                except ValueError:
                    raise SettingsError(
                        f"{path}: line {reader.line_num} is not a number of a packet and two times"
                    ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    return trace(path.stem, np.array(sequence, dtype=np.int64), np.array(sent_s), np.array(arrived_s))


def write_csv(path: Path, one: Trace) -> None:
    """To the microsecond. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, sent, arrived in zip(one.sequence, one.sent_s, one.arrived_s, strict=True):
            writer.writerow((int(number), f"{sent:.6f}", f"{arrived:.6f}" if np.isfinite(arrived) else ""))


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) >= 1 << 48:
        raise ValueError
    return number


def _finite(text: str) -> float:
    value = float(text)
    if not abs(value) < 1e12:
        raise ValueError
    return value
