"""What voices may be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ari_bridge.providers.vendor.keys import KeyOptions


def _tag(language: str) -> str:
    return language.lower().replace("_", "-")


class VoiceChoice(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: str = ""
    voices: dict[Annotated[str, AfterValidator(_tag)], str] = Field(default_factory=dict)
    """By language ("de", or "de-at"), for those that `voice` does not speak."""
    stall_s: float = Field(default=8.0, gt=0, le=60)
    """An engine that gives nothing for this long in the middle of a sentence has failed."""

    def voice_for(self, language: str) -> str:
        language = _tag(language)
        return self.voices.get(language) or self.voices.get(language.partition("-")[0]) or self.voice


class VendorVoice(VoiceChoice, KeyOptions):
    """Of a vendor with a key."""


def clamped(pace: float, slowest: float, fastest: float) -> float:
    """A pace as a vendor's speed, as far as it goes."""
    return round(min(max(pace, slowest), fastest), 3)
