"""What a packet sent costs the sender, in µs of CPU: lots of 128 to 512 sockets, with a pause between ticks.

    SAME="python benchmarks/sending.py"; $SAME

On loopback the kernel does the receiver's work within the sender's system call: routing it in, finding the
socket, queueing. To see what is left without that, let the device discard, in a network of its own:

    unshare -n sh -c "ip link set lo up; tc qdisc replace dev lo root blackhole; $SAME"
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

import numpy as np

from ari_bridge.media.mmsg import MmsgReceiver
from ari_bridge.media.packets import Outgoing, endpoint
from ari_bridge.media.rows import LOT_ROWS
from ari_bridge.media.udp import Transport, TransportKind, bind, open_transport

PEERS, OCTETS, TICKS = 512, 172, 200
PAUSE_S = 0.01
CACHES_OCTETS = 6 << 20
"""Written between ticks: a service does other things there too."""


def main() -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(bind("127.0.0.1", 0)) for _ in range(PEERS)]
        own = bind("127.0.0.1", 0)
        transport = open_transport(own, TransportKind.MMSG)
        stack.callback(transport.close)
        for peer in peers:
            peer.connect(own.getsockname())
        to = np.array([endpoint(*peer.getsockname()) for peer in peers])
        packets = Outgoing(np.zeros((PEERS, OCTETS), np.uint8), to)
        costs_us = [tick(transport, packets, peers) for _ in range(TICKS)]
    low, middle, high = np.percentile(costs_us, (10, 50, 90))
    print(f"{middle:.2f} µs a packet (10th to 90th percentile of {TICKS} ticks: {low:.2f} to {high:.2f})")


def tick(transport: Transport, packets: Outgoing, peers: list[socket.socket]) -> float:
    """Send one packet to each. Returns µs of CPU for each."""
    time.sleep(PAUSE_S)
    np.ones(CACHES_OCTETS, np.uint8)
    receiver = MmsgReceiver(4)
    for peer in peers:
        receiver.fill(peer.fileno())
    sent = 0
    began_s = time.thread_time()
    for first in range(0, PEERS, LOT_ROWS):
        sent += transport.send(packets, slice(first, first + LOT_ROWS))
    return (time.thread_time() - began_s) / sent * 1e6


if __name__ == "__main__":
    main()
