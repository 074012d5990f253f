"""The calls that are up, and the way to place more: what people and programs act on from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from ari_bridge.core.errors import AriBridgeError
from ari_bridge.pbx.call import CallInfo
from ari_bridge.settings import OutboundSettings


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


Place: TypeAlias = Callable[[OutboundSettings, str, Mapping[str, str]], Awaitable[str]]


class Switchboard:
    def __init__(self) -> None:
        self._calls: dict[str, tuple[CallInfo, Answering]] = {}
        self._outbound: Mapping[str, OutboundSettings] = {}
        self._place: Place | None = None

    # -------------------------------------------------------------- for who serves calls

    @contextmanager
    def connected(self, info: CallInfo, conversation: Answering) -> Iterator[None]:
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

    # -------------------------------------------------------------- for who acts on them

    @property
    def calls(self) -> list[CallInfo]:
        return [info for info, _ in self._calls.values()]

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
            return await self._place(outbound, number, variables)
        except ValueError as error:
            raise Refused(str(error)) from None
