"""Finds the codecs. A new one is one new file in this folder."""

from __future__ import annotations

from functools import cache

from ari_bridge.core.errors import MediaError
from ari_bridge.core.registry import discover
from ari_bridge.media import codecs
from ari_bridge.media.codecs.base import Codec


@cache
def known_codecs() -> dict[str, Codec]:
    """Every codec by Asterisk's format name."""
    return discover(codecs, "CODEC", Codec)


def find_codec(name: str) -> Codec:
    """The codec of that name. Raises MediaError, naming those there are."""
    try:
        return known_codecs()[name]
    except KeyError:
        names = ", ".join(sorted(known_codecs()))
        raise MediaError(f"there is no codec {name!r} (codecs: {names})") from None
