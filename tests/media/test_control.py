"""The two processes' messages."""

from __future__ import annotations

import pytest

from ari_bridge.media.control import CloseRow, Done, Failed, Message, OpenRow, Ready, Refused, decode, encode


@pytest.mark.parametrize(
    "message",
    [
        OpenRow(3, "ulaw", 2**48 - 1),
        CloseRow(0),
        Ready(),
        Done(),
        Refused("one line"),
        Failed("why", "several\nlines"),
    ],
)
def test_every_message_is_one_line_and_comes_back(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message
