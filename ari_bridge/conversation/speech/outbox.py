"""Commands on their way out of the core."""

from __future__ import annotations

from collections.abc import Mapping

from ari_bridge.conversation.speech import signals as c
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.providers.speech import base as b


class Outbox:
    def __init__(self) -> None:
        self._commands: list[c.Command] = []
        self._held: list[b.Signal] | None = None

    def do(self, command: c.Command) -> None:
        self._commands.append(command)

    def send(self, signal: b.Signal) -> None:
        """To the engine."""
        self.do(c.Send(signal))

    def request(self, signal: b.Signal) -> None:
        """To the engine, which is to speak then: not before it knows what was cut."""
        if self._held is None:
            self.send(signal)
        else:
            self._held.append(signal)

    def hold_requests(self) -> None:
        self._held = [] if self._held is None else self._held

    def release_requests(self) -> None:
        held, self._held = self._held or [], None
        for signal in held:
            self.send(signal)

    def tell(self, kind: LiveKind, text: str = "", figures: Mapping[str, float] | None = None) -> None:
        self.do(s.Tell(kind, text, figures or {}))

    def drain(self) -> list[c.Command]:
        commands, self._commands = self._commands, []
        return commands
