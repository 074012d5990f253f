"""What can be set of every vendor's language model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from yarl import URL

from ari_bridge.providers.llm.thinking import LEAST
from ari_bridge.providers.vendor.addresses import HttpUrl
from ari_bridge.providers.vendor.keys import KeyOptions


class ModelOptions(KeyOptions):
    """A vendor sets the default of `base_url`."""

    model: str = Field(min_length=1)
    base_url: HttpUrl
    temperature: float | None = Field(default=None, ge=0, le=2)
    """None: the model's own. Some models accept no other."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Of one answer, its thinking included."""
    thinking: str = LEAST
    """"least", "default" (the model's own), or a level by the vendor's name for it, say "low"."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """More of the request's body, in the vendor's words; it comes over ours, table by table."""

    @property
    def host(self) -> str:
        return URL(self.base_url).host or ""


def merged(body: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` over `body`; tables are joined."""
    result = dict(body)
    for key, value in extra.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return result
