"""The options that all recognisers by a stream share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ari_bridge.providers.vendor.keys import KeyOptions


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    final_s: float = Field(default=2.0, gt=0)
    """How long after an utterance's end its final transcript may take."""


class KeyedStreamOptions(KeyOptions, StreamOptions):
    """Of a vendor that wants a key."""
