"""What the error events of OpenAI's Realtime API say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HARMLESS = frozenset(
    {
        "response_cancel_not_active",
        "conversation_already_has_active_response",
        "invalid_item_id",
        "item_truncate_invalid_item_id",
        "item_truncate_invalid_audio_end_ms",
    }
)
"""Codes that only tell that something of ours came too late."""


def in_short(error: Mapping[str, Any] | None) -> str:
    """The vendor's words, short, in one line."""
    if not error:
        return "it does not say why"
    return " ".join(str(error.get("message") or error.get("code") or "it does not say why").split())[:200]
