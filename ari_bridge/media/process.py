"""The media process: `python -m ari_bridge.media.process START` runs the engine on real sockets and time.

It stands by until it is told to serve, so that it can follow another one at once. Then it sleeps until the
next tick that has rows, or until the bridge process asks for something; with no row open it only waits. It
ends when the bridge process closes the control socket, or is gone.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import sys
import time
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
    Scheduled,
    Serve,
    Start,
    decode,
    encode,
)
from ari_bridge.media.delay import DelayRange
from ari_bridge.media.engine import Engine
from ari_bridge.media.lead import Lead
from ari_bridge.media.priority import PriorityPolicy, apply, permitted_priorities
from ari_bridge.media.rows import FULL_PHASE, TICK_S
from ari_bridge.media.shared import SharedRows, map_rows
from ari_bridge.media.udp import Transport, TransportKind, open_transport
from ari_bridge.media.wake import Wake

_IDLE_S = 1.0
"""How often the parent is looked after while nothing happens."""
_MANY_PACKETS = FULL_PHASE * 3 // 2
"""At one wake-up: the rows of a phase do not send so many, and with many calls one phase follows another."""
_PR_SET_TIMERSLACK = 29
_TIMERSLACK_NS = 1000


class Control:
    """Our end of the control socket, and an eye on the parent."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._received = bytearray()
        self._parent = os.getppid()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def parent_lives(self) -> bool:
        return os.getppid() == self._parent

    def say(self, message: Message) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # then the next read finds the end
            self._socket.sendall(encode(message))

    def requests(self) -> list[Message] | None:
        """What has come; waits for at least some of it. None at the end."""
        data = self._socket.recv(65536)
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = rest
        return [decode(bytes(line)) for line in lines] if data else None


class MediaProcess:
    """Engine, UDP transport, control socket and wake-up call, in one loop."""

    def __init__(self, engine: Engine, transport: Transport, control: Control, wake: Wake) -> None:
        self._engine = engine
        self._transport = transport
        self._control = control
        self._wake = wake
        self._flooded = False
        self._lead = Lead()
        self._priority = PriorityPolicy(permitted_priorities(), monotonic_s(), time.process_time())

    def run(self, requests: list[Message]) -> None:
        """From the requests that have come already until the bridge process has gone."""
        self._carry_out(requests)
        self._control.say(Scheduled(self._priority.chosen.value))
        while self._wait() and self._control.parent_lives:
            ticked = self._send()
            taken = 0
            now = monotonic_s()
            for batch in self._transport.receive(now):
                self._engine.receive(batch, now)
                taken += len(batch)
            self._flooded = taken > _MANY_PACKETS
            if ticked:
                self._engine.play()
                self._wake.notify()
            if self._priority.review(now, time.process_time()):
                apply(self._priority.chosen)
                self._control.say(Scheduled(self._priority.chosen.value))

    def _send(self) -> bool:
        """The packets of one tick, each lot at its time. False when none is due."""
        ticked = False
        began_s = monotonic_s()
        for lot in self._engine.send(began_s + self._lead.seconds):
            now = monotonic_s()
            if not ticked:
                self._lead.took(now - began_s)
            early_s = lot.due_s - now
            if early_s > 0:
                time.sleep(early_s)
            self._transport.send(lot.packets, lot.which)
            self._engine.left(monotonic_s())
            ticked = True
        return ticked

    def _wait(self) -> bool:
        """Sleep until there is something to do. False when the bridge process closed its end."""
        due_s = self._engine.next_due_s()
        control = self._control.fileno()
        if due_s is None:
            readable, _, _ = select.select([control, self._transport.fileno()], [], [], _IDLE_S)
        else:
            # The kernel's buffer must not run over while we sleep: callers' packets would be lost with it.
            sleep_s = min(due_s - self._lead.seconds - monotonic_s(), TICK_S if self._flooded else _IDLE_S)
            readable, _, _ = select.select([control], [], [], max(0.0, sleep_s))
        return control not in readable or self._obey()

    def _obey(self) -> bool:
        """Carry out the requests that have come. False at their end."""
        requests = self._control.requests()
        self._carry_out(requests or [])
        return requests is not None

    def _carry_out(self, requests: list[Message]) -> None:
        for request in requests:
            self._control.say(self._answer(request))

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
    """Fine timers, and no garbage collection of what was there at the start."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _TIMERSLACK_NS, 0, 0, 0)
    gc.collect()
    gc.freeze()


def _stand_by(control: Control) -> tuple[Serve, list[Message]] | None:
    """Wait to be told to serve; with it may come the first requests. None when the bridge process goes
    without us."""
    control.say(Ready())
    while control.parent_lives:
        readable, _, _ = select.select([control.fileno()], [], [], _IDLE_S)
        if not readable:
            continue
        match control.requests():
            case [Serve() as serve, *requests]:
                return serve, requests
            case None:
                return None
            case []:
                pass
            case other:
                raise InternalError(f"the media process was sent {other} before it serves")
    return None


def _engine(start: Start, shared: SharedRows, serve: Serve) -> Engine:
    return Engine(
        shared,
        list(known_codecs().values()),
        delay=DelayRange(start.delay_start_s, start.delay_min_s, start.delay_max_s),
        now=monotonic_s(),
        rng=np.random.default_rng(),
        go_on_with=serve.rows,
    )


def main(argument: str) -> int:
    # A Ctrl-C or a service manager's SIGTERM goes to both processes: the bridge process drains its calls,
    # and needs their audio until it closes the control socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    start = decode(argument)
    if not isinstance(start, Start):
        raise InternalError(f"the media process was started with {start}")
    control = Control(socket.socket(fileno=_inherit(start.control_fd)))
    udp = socket.socket(fileno=_inherit(start.udp_fd))
    wake_fd = _inherit(start.wake_fd)
    shared = map_rows(start.memory_fd, start.rows)
    os.close(start.memory_fd)
    _prefer_punctuality()
    try:
        told = _stand_by(control)
        if told is not None:
            engine = _engine(start, shared, told[0])
            transport = open_transport(udp, TransportKind(start.transport))
            control.say(Done())
            MediaProcess(engine, transport, control, Wake(wake_fd, wake_fd)).run(told[1])
    except Exception as error:  # noqa: BLE001 -- root of this process: its end is reported, not printed
        control.say(Failed(f"{type(error).__name__}: {error}", traceback.format_exc()))
        return InternalError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
