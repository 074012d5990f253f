"""What an action is: a tool spec, and what is done with a call when it is asked for.

Whoever asks (a model, the script, the HTTP API) gives a name and arguments; what they may lead to stands in
the settings: destinations and digits are chosen by name, and no word of a model or caller becomes a dial
string, a file name or a variable's name.

An action works at a `Desk`: with the call (`pbx.control`), with the conversation (`Talk`), and with what the
settings allow. Most ask the PBX for one thing; an attended transfer is a page of steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ari_bridge.core.messages import ToolSpec
from ari_bridge.pbx.call import Outcome
from ari_bridge.pbx.control import CallControl
from ari_bridge.settings import ControlSettings, DestinationSettings, DigitSettings


@dataclass(frozen=True, slots=True)
class ActionResult:
    """`result` goes back to who asked; an `outcome` ends the conversation, once the agent's words of this
    turn have been heard."""

    result: str
    outcome: Outcome | None = None
    at_once: bool = False
    """Nobody is there any more to hear words: the outcome waits for none."""


class Keys(Protocol):
    """Keys that the caller presses."""

    def next(self) -> Coroutine[Any, Any, str]: ...


class Talk(Protocol):
    """The conversation, as far as an action may touch it."""

    async def words_heard(self) -> None:
        """Until all that the agent has to say so far has been heard."""
        ...

    async def put_aside(self) -> None:
        """The dialogue stands still: from now on nobody is listened to, no digit reaches the agent, and no
        timer runs. Returns once the agent's words so far have been heard; what it says later waits."""
        ...

    def take_back(self) -> None:
        """The dialogue goes on."""
        ...

    async def say(self, text: str) -> None:
        """Words outside the dialogue, to whoever is on the line while it stands aside. Returns when they
        have been heard. Raises ProviderError."""
        ...

    def keys(self, *, secret: bool) -> AbstractContextManager[Keys]:
        """The caller's keys go here and nowhere else; `secret` ones leave no trace, not even that they were
        pressed."""
        ...

    def at_limit(self, limit_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` when the dialogue stands aside for that long."""
        ...

    def set_pace(self, pace: float) -> None:
        """Of the agent's voice, from its next sentence on; 1.0 is its own."""
        ...

    def switch_language(self, language: str) -> None:
        """To one of the agent's languages."""
        ...

    def last_words(self) -> str:
        """The agent's last finished turn, whole."""
        ...

    def recall(self) -> None:
        """Somebody wants the agent back at once."""
        ...

    def recalled(self) -> Coroutine[Any, Any, None]:
        """Until then."""
        ...


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What the settings allow."""

    destinations: Mapping[str, DestinationSettings]
    digits: Mapping[str, DigitSettings] = field(default_factory=dict)
    control: ControlSettings = field(default_factory=ControlSettings)
    languages: tuple[str, ...] = ()
    """The agent's, as BCP 47 tags; none where it has only one."""

    @property
    def telephones(self) -> Mapping[str, DestinationSettings]:
        """The destinations that can be rung."""
        return {name: place for name, place in self.destinations.items() if place.endpoint}


@dataclass(frozen=True, slots=True)
class Desk:
    """What an action works with."""

    context: ActionContext
    call: CallControl
    talk: Talk


Run = Callable[[Mapping[str, Any], Desk], Awaitable[ActionResult]]


@dataclass(frozen=True, slots=True)
class Action:
    """One verb. `spec` may depend on the settings (the destinations a model can choose from); None where
    the verb makes no sense with them. Bad arguments give a result that says so, never an exception."""

    name: str
    spec: Callable[[ActionContext], ToolSpec | None]
    run: Run
    exclusive: bool = False
    """It has the caller for itself: no other exclusive one runs beside it."""
    idempotent: bool = False
    """It says how the call is to be: done twice it is as done once, and after a crash it may be done
    again."""
