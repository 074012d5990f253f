"""Addresses of vendors' servers, as settings name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import AfterValidator
from yarl import URL

_HTTP = ("http", "https")
_SOCKET = (*_HTTP, "ws", "wss")


def _checked(value: str, schemes: Sequence[str]) -> str:
    try:
        url = URL(value)
    except ValueError:
        url = URL()
    if url.scheme not in schemes or not url.host:
        raise ValueError("is no URL that begins with http:// or https://")
    if url.user or url.password:
        raise ValueError("a key does not belong there; use api_key_file or api_key_env")
    return value.rstrip("/")


HttpUrl: TypeAlias = Annotated[str, AfterValidator(lambda value: _checked(value, _HTTP))]
"""Has a host, and no slash at its end."""
SocketUrl: TypeAlias = Annotated[str, AfterValidator(lambda value: _checked(value, _SOCKET))]
"""The same of a WebSocket, which may also begin with ws:// or wss://."""
