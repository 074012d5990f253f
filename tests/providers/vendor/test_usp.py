from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.providers.vendor.usp import NotUsp, UspMessage, decoded, encoded


def test_a_text_message_is_headers_an_empty_line_and_the_body() -> None:
    now = datetime(2026, 11, 21, 9, 30, 1, 234_567, tzinfo=UTC)
    text = encoded(
        "ssml", "<speak/>\r\n\r\n!", request_id="ab12", content_type="application/ssml+xml", now=now
    )
    assert text.split("\r\n") == [
        "Path: ssml",
        "X-RequestId: ab12",
        "X-Timestamp: 2026-11-21T09:30:01.234Z",
        "Content-Type: application/ssml+xml",
        "",
        "<speak/>",
        "",
        "!",
    ]
    assert decoded(text) == UspMessage("ssml", "ab12", "<speak/>\r\n\r\n!")


def test_bytes_are_the_headers_length_headers_and_sound() -> None:
    headers = b"X-RequestId:AB12\r\nContent-Type:audio/x-wav\r\nPath:audio\r\n"
    message = len(headers).to_bytes(2, "big") + headers + b"\0\1\2"
    assert decoded(message) == UspMessage("audio", "ab12", b"\0\1\2")


@pytest.mark.parametrize(
    "message", ["", "Path:x", b"", b"\0", b"\0\7Path:x", b"\0\0", "X-RequestId:a\r\n\r\n{}"]
)
def test_what_is_no_message_is_told(message: str | bytes) -> None:
    with pytest.raises(NotUsp):
        decoded(message)


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80)))
def test_nothing_else_is_raised(message: str | bytes) -> None:
    with suppress(NotUsp):
        decoded(message)
