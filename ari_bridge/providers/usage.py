"""What engines cost, told as it is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost, in the units that vendors bill. Only what applies is set."""

    input_tokens: int = 0
    output_tokens: int = 0
    service: str = ""
    """Vendor and model, "openai gpt-4.1-mini": what has a price of its own."""
    cached_tokens: int = 0
    """Of the input, those that the vendor had from before."""
    audio_s: float = 0.0
    """Sent to be heard, or made."""
    characters: int = 0
    """Sent to be spoken."""


Meter: TypeAlias = Callable[[Usage], None]
"""Counts for one call. An engine tells it of what it asked for, also of what was cancelled later."""


def unmetered(usage: Usage) -> None:
    pass
