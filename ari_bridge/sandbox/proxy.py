"""An impairing TCP proxy between a client and Asterisk's HTTP server, for tests and benchmarks.

client ── Proxy.url ──▶ [delay, cut, close, swallow] ──▶ Asterisk

There is no `tc netem` for ordinary users, and the loopback is too good: so what a network does to ARI is
done here. A connection is of one of two kinds, told by its bytes: REST, until an upgrade to WebSocket passes
(a client may upgrade a connection it had used for REST). Harm is done to one kind or to both, and delays
and black holes one way or both.

    delay_s    each piece of data waits a random time up to this, and keeps its order; each way has its own
    reset      the connection breaks with a TCP reset, both ways
    close      it is ended in order, both ways
    swallow    it stays open, and what is sent on it never arrives: a middlebox that forgot it
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, Flag, auto

_LINGER_0 = struct.pack("ii", 1, 0)
"""SO_LINGER: close() sends a reset."""
_UPGRADE = b"upgrade: websocket"


class Kind(Flag):
    REST = auto()
    WEBSOCKET = auto()
    BOTH = REST | WEBSOCKET


class Way(Flag):
    """As the client sees it."""

    OUT = auto()
    IN = auto()
    BOTH = OUT | IN


class Refusal(Enum):
    """What becomes of a new connection."""

    NONE = "it is carried"
    RESET = "it is reset at once"
    SWALLOW = "it is taken, and nothing on it ever arrives"


@dataclass(slots=True, eq=False)
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    kind: Kind = Kind.REST
    swallowed: Way = field(default_factory=lambda: Way(0))


class Proxy:
    """Use `proxying(port)`. All verbs act at once, on what is open now."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._connections: set[_Connection] = set()
        self._sockets: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._delay_s: dict[tuple[Kind, Way], float] = {}
        self.refusal = Refusal.NONE
        self.accepted = 0
        """Connections that clients have opened so far."""

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self._server.close()
        self.reset()
        for writer in tuple(self._sockets):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def delay(self, up_to_s: float, kind: Kind = Kind.BOTH, way: Way = Way.BOTH) -> None:
        for each_kind in kind:
            for each_way in way:
                self._delay_s[each_kind, each_way] = up_to_s

    def reset(self, kind: Kind = Kind.BOTH) -> None:
        for connection in self._of(kind):
            for writer in (connection.client, connection.server):
                if not writer.is_closing():
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
                    writer.transport.abort()

    def close(self, kind: Kind = Kind.BOTH) -> None:
        for connection in self._of(kind):
            connection.client.close()
            connection.server.close()

    def swallow(self, kind: Kind = Kind.BOTH, way: Way = Way.BOTH) -> None:
        """For ever: only a new connection works again."""
        for connection in self._of(kind):
            connection.swallowed |= way

    def count(self, kind: Kind = Kind.BOTH) -> int:
        """Connections of that kind that are open and not swallowed."""
        return sum(not connection.swallowed for connection in self._of(kind))

    def _of(self, kind: Kind) -> list[_Connection]:
        return [connection for connection in self._connections if connection.kind in kind]

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._sockets.add(client)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            match self.refusal:
                case Refusal.RESET:
                    client.transport.abort()
                case Refusal.SWALLOW:
                    while await reader.read(65536):
                        pass
                case Refusal.NONE:
                    await self._carry(reader, client)
        except OSError:
            pass
        finally:
            client.close()
            self._sockets.discard(client)

    async def _carry(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        far, server = await asyncio.open_connection("127.0.0.1", self._target_port)
        connection = _Connection(client, server)
        self._connections.add(connection)
        self._sockets.add(server)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._one_way(connection, Way.OUT, reader, server))
                ways.create_task(self._one_way(connection, Way.IN, far, client))
        finally:
            self._connections.discard(connection)
            self._sockets.discard(server)
            server.close()

    async def _one_way(
        self, connection: _Connection, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if way is Way.OUT and _UPGRADE in data.lower():
                    connection.kind = Kind.WEBSOCKET
                delay_s = self._delay_s.get((connection.kind, way), 0.0)
                if delay_s:
                    await asyncio.sleep(random.uniform(0, delay_s))
                if not connection.swallowed & way:
                    sink.write(data)
                    await sink.drain()
        if not connection.swallowed:
            sink.close()


@asynccontextmanager
async def proxying(target_port: int) -> AsyncIterator[Proxy]:
    """A proxy before a server on 127.0.0.1, while the block runs."""
    proxy = Proxy(target_port)
    await proxy.listen()
    try:
        yield proxy
    finally:
        await proxy.stop()
