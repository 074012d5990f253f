"""Which languages there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from ari_bridge.core.registry import discover
from ari_bridge.dialogue import languages
from ari_bridge.dialogue.languages.base import Language

NEUTRAL = Language("neutral")


@lru_cache(maxsize=1)
def all_languages() -> Mapping[str, Language]:
    """Every language in this folder, by its ISO 639-1 code."""
    return MappingProxyType(discover(languages, "LANGUAGE", Language))


def language(tag: str) -> Language:
    """Of a BCP 47 tag ("en", "de-AT", "pt_BR"); NEUTRAL where there is no table."""
    code = tag.replace("_", "-").partition("-")[0].lower()
    return all_languages().get(code, NEUTRAL)
