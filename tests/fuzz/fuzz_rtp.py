"""Hostile packets against the engine: nothing raises, and a call beside them is heard bit for bit as without.

    pip install atheris
    python tests/fuzz/fuzz_rtp.py --packets 1000000 [--mutate] [-rss_limit_mb=0] [CORPUS] [libFuzzer's flags]

Coverage-guided with atheris (whose instruments never let go of what they compared: hence the limit); without
it, or with --mutate, packets are RTP with a few octets changed at random. What a fuzzer
writes becomes packets of a second call and of strangers; a first call goes on beside them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = str(Path(__file__).parent.parent.parent)
sys.path.insert(0, ROOT)

MUTATE = "--mutate"
try:
    import atheris
except ImportError:
    atheris = None
if MUTATE in sys.argv:  # no instruments then, which make it ten times slower
    atheris = None

if atheris is not None:
    with atheris.instrument_imports(include=["ari_bridge.media"]):
        from tests.fuzz.beside import Beside
else:
    from tests.fuzz.beside import Beside

ROUND = 16
"""Packets a frame."""


class Fuzz:
    def __init__(self, packets: int) -> None:
        self._packets = packets
        self._beside = Beside()
        self._done = 0

    def one(self, data: bytes) -> None:
        """Length-prefixed packets: one octet tells whose and how long the next is."""
        packets = []
        at = 0
        while at < len(data) and len(packets) < ROUND:
            length = data[at] & 0x7F
            packets.append((data[at] >= 0x80, data[at + 1 : at + 1 + 2 * length]))
            at += 1 + 2 * length
        self._feed(packets)

    def mutated(self, rng: np.random.Generator) -> None:
        packets = []
        for _ in range(ROUND):
            raw = bytearray(self._beside.plausible(rng))
            for _ in range(int(rng.integers(0, 5))):
                raw[int(rng.integers(len(raw)))] = int(rng.integers(256))
            packets.append((bool(rng.integers(2)), bytes(raw[: int(rng.integers(1, len(raw) + 1))])))
        self._feed(packets)

    def _feed(self, packets: list[tuple[bool, bytes]]) -> None:
        self._beside.frame(packets)
        self._done += len(packets)
        if self._done >= self._packets:
            self._beside.check()
            print(f"{self._done} packets, nothing raised, the call beside them was heard whole", flush=True)
            sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument(MUTATE, action="store_true", help="without atheris")
    order, rest = parser.parse_known_args()
    fuzz = Fuzz(order.packets)
    if atheris is not None:
        atheris.Setup([sys.argv[0], *rest], fuzz.one)
        atheris.Fuzz()
        return
    rng = np.random.default_rng(1)
    while True:
        fuzz.mutated(rng)


if __name__ == "__main__":
    main()
