from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.vendor.wyoming import WyomingConnection, WyomingEvent, WyomingServer


def received(octets: bytes) -> list[WyomingEvent]:
    """All events in what a server sent before it closed. Raises ProviderError for what is not whole."""

    async def main() -> list[WyomingEvent]:
        reader = asyncio.StreamReader()
        reader.feed_data(octets)
        reader.feed_eof()
        writer: Any = None
        connection = WyomingConnection("x", reader, writer)
        events = []
        while not reader.at_eof():
            events.append(await connection.receive())
        return events

    return asyncio.run(main())


def test_data_may_stand_in_the_line_or_behind_it_or_both() -> None:
    more = b'{"rate": 8000}'
    head = {"type": "audio-chunk", "data": {"width": 2}, "data_length": len(more), "payload_length": 3}
    octets = json.dumps(head).encode() + b"\n" + more + b"\0\n\1" + b'{"type": "audio-stop"}\n'
    assert received(octets) == [
        WyomingEvent("audio-chunk", {"width": 2, "rate": 8000}, b"\0\n\1"),
        WyomingEvent("audio-stop"),
    ]


def test_an_error_of_the_server_s_is_ours() -> None:
    with pytest.raises(ProviderError, match=r"^x: no such voice$"):
        received(b'{"type": "error", "data": {"text": "no such\\nvoice"}}\n')


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"[]\n",
        b"{}\n",
        b'{"type": 7}\n',
        b'{"type": "a", "data": 7}\n',
        b'{"type": "a", "data_length": 2}\n[]',
        b'{"type": "a", "payload_length": -1}\n',
        b'{"type": "a", "payload_length": 99999999999}\n',
        b'{"type": "a", "payload_length": "3"}\nabc',
        b'{"type": "a", "payload_length": 4}\nabc',
        b'{"type": "a"',
        b"x" * 100_000,
    ],
)
def test_what_is_no_event_is_one_line(octets: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        received(octets)
    assert caught.value.retryable
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=60))
def test_nothing_else_is_raised(octets: bytes) -> None:
    with suppress(ProviderError):
        received(octets)


def test_an_ipv6_address_is_one_too() -> None:
    assert WyomingServer.at("x", "tcp://[::1]:10200") == WyomingServer("x", "::1", 10200)
