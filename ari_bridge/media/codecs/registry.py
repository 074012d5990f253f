"""Finds the codecs. A new one is one new file in this folder, with a `CODEC`, or a `LACK` where a library
that it needs is not installed."""

from __future__ import annotations

from functools import cache

from ari_bridge.core.errors import MediaError
from ari_bridge.core.registry import discover
from ari_bridge.media import codecs
from ari_bridge.media.codecs.base import Codec, Lack


@cache
def known_codecs() -> dict[str, Codec]:
    """Every codec by Asterisk's format name."""
    return discover(codecs, "CODEC", Codec)


def find_codec(name: str) -> Codec:
    """The codec of that name. Raises MediaError, naming what it lacks, or else those there are."""
    try:
        return known_codecs()[name]
    except KeyError:
        lack = discover(codecs, "LACK", Lack).get(name)
        if lack is not None:
            raise MediaError(f"the codec {name} needs {lack.needs}") from None
        names = ", ".join(sorted(known_codecs()))
        raise MediaError(f"there is no codec {name!r} (codecs: {names})") from None
