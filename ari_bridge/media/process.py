"""The media process: `python -m ari_bridge.media.process START` runs the engine on real sockets and time.

It sleeps until the next tick that has rows, or until the bridge process asks for something; with no row
open it only waits. It ends when the bridge process closes the control socket, or is gone.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress

import numpy as np

from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import InternalError, MediaError
from ari_bridge.media.codecs.registry import known_codecs
from ari_bridge.media.control import (
    CloseRow,
    Done,
    Failed,
    Message,
    OpenRow,
    Ready,
    Refused,
    Start,
    decode,
    encode,
)
from ari_bridge.media.engine import Engine
from ari_bridge.media.shared import map_rows
from ari_bridge.media.udp import Transport, TransportKind, open_transport
from ari_bridge.media.wake import Wake

_IDLE_S = 1.0
"""How often the parent is looked after while nothing happens."""
_PR_SET_TIMERSLACK = 29
_TIMERSLACK_NS = 1000
_NICE = -15


class MediaProcess:
    """Engine, UDP transport, control socket and wake-up call, in one loop."""

    def __init__(self, engine: Engine, transport: Transport, control: socket.socket, wake: Wake) -> None:
        self._engine = engine
        self._transport = transport
        self._control = control
        self._wake = wake
        self._requests = bytearray()
        self._parent = os.getppid()

    def run(self) -> None:
        """Until the bridge process has gone."""
        self.say(Ready())
        while self._wait() and os.getppid() == self._parent:
            now = monotonic_s()
            for batch in self._transport.receive(now):
                self._engine.receive(batch, now)
            ticked = False
            for packets in self._engine.tick(now):
                self._transport.send(packets)
                ticked = True
            if ticked:
                self._wake.notify()

    def say(self, message: Message) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # then the next read finds the end
            self._control.sendall(encode(message))

    def _wait(self) -> bool:
        """Sleep until there is something to do. False when the bridge process closed its end."""
        due_s = self._engine.next_due_s()
        if due_s is None:
            readable, _, _ = select.select(
                [self._control.fileno(), self._transport.fileno()], [], [], _IDLE_S
            )
        else:
            readable, _, _ = select.select([self._control.fileno()], [], [], max(0.0, due_s - monotonic_s()))
        return self._control.fileno() not in readable or self._obey()

    def _obey(self) -> bool:
        """Carry out the requests that have come. False at their end."""
        data = self._control.recv(65536)
        self._requests += data
        *lines, rest = self._requests.split(b"\n")
        self._requests = rest
        for line in lines:
            self.say(self._answer(decode(bytes(line))))
        return bool(data)

    def _answer(self, request: Message) -> Message:
        match request:
            case OpenRow(slot, codec, peer):
                try:
                    self._engine.open(slot, codec, peer, monotonic_s())
                except MediaError as error:
                    return Refused(str(error))
                return Done()
            case CloseRow(slot):
                self._engine.close(slot)
                return Done()
        raise InternalError(f"the media process was sent {request}")


def _inherit(fd: int) -> int:
    """The same descriptor under the lowest free number: select() takes none above 1023, and the bridge
    process may have more."""
    low = os.dup(fd)
    os.close(fd)
    return low


def _prefer_punctuality() -> None:
    """Fine timers, a high priority if we may, no garbage collection of what was there at the start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _TIMERSLACK_NS, 0, 0, 0)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    gc.collect()
    gc.freeze()


def main(argument: str) -> int:
    # A Ctrl-C or a service manager's SIGTERM goes to both processes: the bridge process drains its calls,
    # and needs their audio until it closes the control socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    start = decode(argument)
    if not isinstance(start, Start):
        raise InternalError(f"the media process was started with {start}")
    control = socket.socket(fileno=_inherit(start.control_fd))
    transport = open_transport(socket.socket(fileno=_inherit(start.udp_fd)), TransportKind(start.transport))
    wake_fd = _inherit(start.wake_fd)
    shared = map_rows(start.memory_fd, start.rows)
    os.close(start.memory_fd)
    engine = Engine(
        shared,
        list(known_codecs().values()),
        delay_s=start.jitter_delay_s,
        now=monotonic_s(),
        rng=np.random.default_rng(),
    )
    process = MediaProcess(engine, transport, control, Wake(wake_fd, wake_fd))
    _prefer_punctuality()
    try:
        process.run()
    except Exception as error:  # noqa: BLE001 -- root of this process: its end is reported, not printed
        process.say(Failed(f"{type(error).__name__}: {error}", traceback.format_exc()))
        return InternalError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
