"""What the agent says that no model makes, and how the call leaves after it."""

from __future__ import annotations

from dataclasses import replace

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.turns import Action

APOLOGY = "I am sorry, something went wrong on our side."
ACTIONS = frozenset((Action.CHECK_IN, Action.SAY_FAREWELL, Action.SAY_GOODBYE, Action.APOLOGISE))


class OwnWords:
    def __init__(self, goodbye: str, no_answer: str) -> None:
        self._goodbye = goodbye
        self.no_answer = no_answer
        """Where the model gives none."""
        self.prompt = ""
        """The check-in or farewell that is due."""
        self.leave = s.Leave()
        """By what has been said so far."""

    def failed(self, engine: s.Engine) -> None:
        """The first to fail is the reason."""
        if self.leave.failed is None:
            self.leave = replace(self.leave, failed=engine)

    def text_of(self, action: Action) -> str:
        """`action`: one of ACTIONS."""
        match action:
            case Action.APOLOGISE:
                return APOLOGY
            case Action.SAY_GOODBYE:
                self.leave = replace(self.leave, time_up=True)
                return self._goodbye
            case Action.SAY_FAREWELL:
                self.leave = replace(self.leave, nobody_there=True)
        return self.prompt
