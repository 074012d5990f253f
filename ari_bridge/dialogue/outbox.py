"""Commands on their way out of a session, and the numbers that they carry."""

from __future__ import annotations

from collections.abc import Mapping

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind


class Outbox:
    def __init__(self) -> None:
        self._commands: list[s.Command] = []
        self._last_number = 0

    def do(self, command: s.Command) -> None:
        self._commands.append(command)

    def tell(self, kind: LiveKind, text: str = "", figures: Mapping[str, float] | None = None) -> None:
        self.do(s.Tell(kind, text, figures or {}))

    def number(self) -> int:
        """One that no utterance, round or sentence of this call has had."""
        self._last_number += 1
        return self._last_number

    def drain(self) -> list[s.Command]:
        commands, self._commands = self._commands, []
        return commands
