"""The calls that are up, and the way to place more: what people and programs act on from outside."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ari_bridge.core.errors import AriBridgeError
from ari_bridge.pbx.call import CallInfo
from ari_bridge.settings import OutboundSettings

ENDED_KEPT = 1000
"""Calls whose end is remembered."""


class Refused(AriBridgeError):
    """What was asked for cannot be done; the text says why."""


class NoSuchCall(Refused):
    pass


class NoSuchVerb(Refused):
    pass


class Answering(Protocol):
    """A conversation, from outside."""

    @property
    def verbs(self) -> Collection[str]: ...

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True)
class CallState:
    state: str
    """placed: no agent has it yet. up. ended."""
    status: str = ""
    """Of a call that has ended: as ARIBRIDGESTATUS."""
    cause: str = ""
    """As ARIBRIDGECAUSE."""


Place: TypeAlias = Callable[[str, str, Mapping[str, str]], Awaitable[str]]


class Switchboard:
    def __init__(self) -> None:
        self._calls: dict[str, tuple[CallInfo, Answering]] = {}
        self._outbound: Mapping[str, OutboundSettings] = {}
        self._place: Place | None = None
        self._placed: set[str] = set()
        """Calls that no agent has had yet."""
        self._ended: OrderedDict[str, CallState] = OrderedDict()

    # -------------------------------------------------------------- for who serves calls

    @contextmanager
    def connected(self, info: CallInfo, conversation: Answering) -> Iterator[None]:
        self._placed.discard(info.call_id)
        self._calls[info.call_id] = (info, conversation)
        try:
            yield
        finally:
            del self._calls[info.call_id]

    @contextmanager
    def placing_calls(self, outbound: Mapping[str, OutboundSettings], place: Place) -> Iterator[None]:
        self._outbound, self._place = outbound, place
        try:
            yield
        finally:
            self._place = None

    def ended(self, call_id: str, status: str, cause: str) -> None:
        """Also of a placed call that never was connected."""
        self._placed.discard(call_id)
        self._ended[call_id] = CallState("ended", status, cause)
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)

    # -------------------------------------------------------------- for who acts on them

    @property
    def calls(self) -> list[CallInfo]:
        return [info for info, _ in self._calls.values()]

    def state(self, call_id: str) -> CallState:
        """Raises NoSuchCall; also for a call that ended long ago."""
        if call_id in self._calls:
            return CallState("up")
        if call_id in self._ended:
            return self._ended[call_id]
        if call_id in self._placed:
            return CallState("placed")
        raise NoSuchCall(f"there is no call {call_id}")

    async def act(self, call_id: str, verb: str, arguments: Mapping[str, Any]) -> str:
        """What came of it, in a sentence. Raises NoSuchCall, NoSuchVerb."""
        if call_id not in self._calls:
            raise NoSuchCall(f"there is no call {call_id}")
        _, conversation = self._calls[call_id]
        if verb not in conversation.verbs:
            raise NoSuchVerb(f"there is no verb {verb}; there are {', '.join(sorted(conversation.verbs))}")
        return await conversation.act(verb, arguments)

    async def place(self, name: str, number: str, variables: Mapping[str, str]) -> str:
        """Call somebody; returns the call's id. Raises Refused, AsteriskError."""
        outbound = self._outbound.get(name)
        if outbound is None or self._place is None:
            raise Refused(f"outbound: there is no {name!r} ({', '.join(sorted(self._outbound)) or 'none'})")
        try:
            call_id = await self._place(name, number, variables)
        except ValueError as error:
            raise Refused(str(error)) from None
        if call_id not in self._calls and call_id not in self._ended:
            self._placed.add(call_id)
        return call_id
