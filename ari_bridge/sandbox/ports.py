"""Free ports for private servers, below the range from which the kernel hands out ports of its own.

A port found free may be taken by somebody else before its user binds it; who asks tries again then.
"""

from __future__ import annotations

import random
import socket
from contextlib import closing

from ari_bridge.core.errors import SandboxError

_FIRST, _LAST = 12000, 32000
_random = random.SystemRandom()  # runs that start at the same time must not choose alike


def free_port(kind: socket.SocketKind) -> int:
    """A port on 127.0.0.1 that was free just now; `kind` is SOCK_STREAM or SOCK_DGRAM."""
    for _ in range(100):
        port = _random.randrange(_FIRST, _LAST)
        with closing(socket.socket(socket.AF_INET, kind)) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SandboxError(f"no free port between {_FIRST} and {_LAST} on 127.0.0.1")


def port_range(count: int) -> range:
    """A range for RTP. Servers may share it: Asterisk passes over a port that is taken."""
    first = _random.randrange(_FIRST, _LAST - count, 2)
    return range(first, first + count)
