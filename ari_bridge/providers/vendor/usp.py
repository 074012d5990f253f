"""The messages of Azure Speech's WebSockets: headers and a body, in a text or in bytes. No I/O.

A text is header lines, an empty line and the body. Bytes begin with the length of the headers (two octets,
big end first); the body is audio. (learn.microsoft.com, "Bing Speech WebSocket protocol", message formats;
the Speech SDK, which calls it the Universal Speech Protocol, still speaks it.)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


class NotUsp(ValueError):
    """A message that cannot be taken apart."""


@dataclass(frozen=True, slots=True)
class UspMessage:
    path: str
    """What kind of message it is, in lower case: "turn.end"."""
    request_id: str
    """Which turn it belongs to; "" for none."""
    body: str | bytes


def encoded(path: str, body: str, *, request_id: str, content_type: str, now: datetime | None = None) -> str:
    """A text message."""
    at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    headers = (f"Path: {path}", f"X-RequestId: {request_id}", f"X-Timestamp: {at}Z")
    return "\r\n".join((*headers, f"Content-Type: {content_type}", "", body))


def decoded(message: str | bytes) -> UspMessage:
    """Raises NotUsp."""
    if isinstance(message, str):
        head, separator, text = message.partition("\r\n\r\n")
        if not separator:
            raise NotUsp("a text without a body")
        return _message(head, text)
    length = int.from_bytes(message[:2], "big")
    if len(message) < 2 + length:
        raise NotUsp("bytes without their headers")
    return _message(message[2 : 2 + length].decode("ascii", "replace"), message[2 + length :])


def _message(head: str, body: str | bytes) -> UspMessage:
    lines = (line.partition(":") for line in head.split("\r\n"))
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    if "path" not in headers:
        raise NotUsp("a message without a path")
    return UspMessage(headers["path"].lower(), headers.get("x-requestid", "").lower(), body)
