"""The messages of MCP, without a server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_bridge.core.errors import ToolError
from ari_bridge.tools.mcp import protocol as p
from ari_bridge.tools.mcp.sse import EventStream


def test_we_answer_pings_and_offer_nothing_else() -> None:
    assert p.reply_to({"id": 7, "method": "ping"}) == {"jsonrpc": "2.0", "id": 7, "result": {}}
    refusal = p.reply_to({"id": "a", "method": "sampling/createMessage", "params": {}})
    assert refusal is not None
    assert refusal["error"]["code"] == -32601
    assert p.reply_to({"method": "notifications/message"}) is None
    assert p.reply_to({"id": 1, "result": {}}) is None


@pytest.mark.parametrize(
    ("response", "happened"),
    [
        ({"error": {"code": -32602, "message": "no such\ntool"}}, False),
        ({"error": {"code": -32603, "message": "no such tool"}}, True),
        ({"result": 5}, True),
        ({}, True),
    ],
)
def test_errors_say_whether_it_may_have_happened(response: dict[str, Any], happened: bool) -> None:
    with pytest.raises(ToolError) as caught:
        p.result_of(response)
    assert caught.value.happened is happened
    assert "\n" not in str(caught.value)


def test_what_a_tool_gave_is_text() -> None:
    blocks = [
        {"type": "text", "text": "one"},
        {"type": "resource", "resource": {"uri": "x", "text": "two"}},
        {"type": "resource_link", "uri": "file:///x"},
        {"type": "image", "data": "…"},
        "nonsense",
    ]
    text, structured = p.content_of({"content": blocks, "structuredContent": {"a": 1}})
    assert text == "one\ntwo\n(see file:///x)\n(image, which cannot be told)\n"
    assert structured == {"a": 1}
    assert p.content_of({}) == ("", None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
KEYS = st.sampled_from(
    ["tools", "name", "annotations", "content", "type", "text", "error", "result", "id", "method"]
)


@settings(max_examples=30)
@given(st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON)), max_size=5))
def test_no_answer_is_more_than_an_error(message: dict[str, Any]) -> None:
    p.reply_to(message)
    p.tools_of(message)
    for read in (p.result_of, p.content_of, p.agreed_version):
        with suppress(ToolError):
            read(message)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=9),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_events_are_the_same_however_they_are_cut(lines: list[str], end: str, data: st.DataObject) -> None:
    event = "".join(f"data: {line}{end}" for line in lines)
    stream = f": comment{end}{end}event: message{end}{event}id: 7{end}{end}data: last{end}{end}\n".encode()
    at = data.draw(st.integers(0, len(stream)))
    reader = EventStream()
    assert reader.feed(stream[:at]) + reader.feed(stream[at:]) == ["\n".join(lines), "last"]
