"""Which codec the media leg of a call is to speak, so that Asterisk transcodes as little as may be."""

from __future__ import annotations

import re

NARROWBAND = "ulaw"
WIDEBAND = "slin16"
PASSED_THROUGH = ("ulaw", "alaw", "g722")
"""Where the caller speaks one of these, so does the leg: Asterisk then translates nothing, either way."""
NOT_EVERYWHERE = ("slin",)
"""Formats of which older Asterisks make another without a word: slin becomes µ-law before late 2023. The leg
itself tells."""

_WIDEBAND_CALLER = re.compile(
    r"slin(12|16|24|32|44|48|96|192)|opus|g719|siren(7|14)|silk(12|16|24)|speex(16|32)"
)
"""Asterisk's names (codec_builtin.c) of formats that carry more than telephone bandwidth."""


def first_format(capability: str) -> str:
    """The preferred one of what CHANNEL(audionativeformat) reads, such as `(g722|ulaw)`; "" for none."""
    return capability.strip("() ").partition("|")[0].strip()


def choose(setting: str, caller_capability: str, *, wideband_possible: bool) -> str:
    """The leg's format. `setting` is media.format: a fixed one is taken as it is; "auto" takes the caller's
    own G.711 or G.722, slin16 for other wideband callers where Asterisk can translate it
    (`wideband_possible`), and µ-law for everything else."""
    if setting != "auto":
        return setting
    caller = first_format(caller_capability)
    if caller in PASSED_THROUGH:
        return caller
    if wideband_possible and _WIDEBAND_CALLER.fullmatch(caller):
        return WIDEBAND
    return NARROWBAND
