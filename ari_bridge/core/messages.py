"""The words that dialogue, providers and tools share: messages, tools and calls to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Role(Enum):
    SYSTEM = "system"
    CALLER = "caller"
    AGENT = "agent"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a language model sees it. `parameters` is a JSON Schema object (draft 2020-12)."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    call_id: str
    name: str
    arguments: Mapping[str, Any]
    seal: str = field(default="", repr=False, compare=False)
    """Opaque: what the model that made the call wants to see beside it later on. It may get lost."""


class Standing(Enum):
    """What is known of a tool's run."""

    RUNNING = "running"
    DONE = "done"
    NOT_DONE = "not_done"
    """It failed, and surely had no effect."""
    UNKNOWN = "unknown"
    """Nobody knows whether it had its effect."""


UNKNOWN_RESULT = "It is not known whether this was done: the connection broke while it was."
"""What a model is told of a run nobody saw the end of."""


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the history handed to a language model.

    An agent message holds only what the caller heard; `interrupted` says that more had been meant.
    """

    role: Role
    text: str
    interrupted: bool = False
    tool_calls: tuple[ToolCall, ...] = field(default=())
    tool_call_id: str = ""
