"""What the agent says that no model makes, and how the call leaves after it."""

from __future__ import annotations

from dataclasses import replace

from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.turns import Action

ACTIONS = frozenset((Action.CHECK_IN, Action.SAY_FAREWELL, Action.SAY_GOODBYE, Action.APOLOGISE))


class OwnWords:
    def __init__(self, says: Sayings) -> None:
        self.says = says
        """It may change in the middle of the call."""
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
                return self.says.apology
            case Action.SAY_GOODBYE:
                self.leave = replace(self.leave, time_up=True)
                return self.says.goodbye
            case Action.SAY_FAREWELL:
                self.leave = replace(self.leave, nobody_there=True)
        return self.prompt
