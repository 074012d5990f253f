"""What an engine is told when it is to say words of ours."""

from __future__ import annotations

from ari_bridge.core.messages import ToolCall


def exactly(words: str) -> str:
    return f"Say exactly the following, and nothing else: {words}"


def result_of(call: ToolCall, result: str) -> str:
    """For an engine that has not asked for it: the one before it did."""
    return f"The tool {call.name} has answered: {result} Go on with the conversation."
