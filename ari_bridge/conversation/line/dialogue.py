"""What a kind of conversation does for the call it is held in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.log import Turn
from ari_bridge.providers.base import Speech


class Dialogue(Protocol):
    """All but `words_heard` and `speak` return at once."""

    @property
    def finished(self) -> Sequence[Turn]:
        """The turns that are over, in order. It grows, or its last is taken back."""
        ...

    # -------------------------------------------------------------- told

    def key_pressed(self, digit: str, at_s: float) -> None:
        """By the caller, for the agent. `at_s`: monotonic."""
        ...

    def tool_returned(self, call: ToolCall, result: str, *, decides_outcome: bool) -> None:
        """Answers one `Line.run_tool`. `decides_outcome`: the call leaves us once the agent's words have been
        heard; then the dialogue says `Line.leave`."""
        ...

    def stand_aside(self, aside: bool) -> None:
        """Stand still (whatever voice is being heard counts as ended), or go on."""
        ...

    def divert_keys(self, diverted: bool) -> None:
        """The caller has been asked for keys that are not the dialogue's, or has given them."""
        ...

    def set_pace(self, pace: float) -> None:
        """Of the agent's voice, from its next sentence on; 1.0 is its own."""
        ...

    def switch_language(self, language: str) -> None:
        """To one of the agent's languages."""
        ...

    def end(self) -> None:
        """The call is over, for whatever reason: what was begun counts as far as it came."""
        ...

    # -------------------------------------------------------------- asked

    async def words_heard(self) -> None:
        """Until all that the agent has to say so far has been heard, or was cut off."""
        ...

    def speak(self, sentence: str) -> AsyncGenerator[Speech, None]:
        """Words that are no part of the dialogue, as audio in the agent's voice. Raises ProviderError."""
        ...
