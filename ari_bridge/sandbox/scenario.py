"""What the synthetic caller does in one call, read from a small TOML file.

    did = "5000"                     # the number it dials
    codec = "ulaw"                   # ulaw, alaw, g722, slin16 or opus
    voice = "flite"                  # flite (better understood) or espeak
    caller_number = "+4930123456"

    [[step]]
    wait = "agent_done"              # agent_starts, agent_done, human_answers or hangup
    timeout_s = 20
    [[step]]
    say = "what are your opening hours"
    [[step]]
    say = "stop please"
    interrupt_after_ms = 1500        # speaks that long after the agent's turn began
    [[step]]
    press = "1"
    [[step]]
    pause_ms = 500
    [[step]]
    hangup = true                    # also the end of the steps

Steps run one after the other; saying and pressing last until the audio has left.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

from ari_bridge.core.errors import SandboxError

CODECS = ("ulaw", "alaw", "g722", "slin16", "opus")
DEFAULT_CODEC = "ulaw"
DEFAULT_CALLER_NUMBER = "+4930123456"
DEFAULT_TIMEOUT_S = 20.0
MAX_DURATION_MS = 600_000


class Voice(Enum):
    FLITE = "flite"
    ESPEAK = "espeak"


class Awaited(Enum):
    """What a caller can wait for."""

    AGENT_STARTS = "agent_starts"
    """The agent begins to speak, after the caller's last action."""
    AGENT_DONE = "agent_done"
    """The agent has spoken since the caller's last action, and is silent now."""
    HUMAN_ANSWERS = "human_answers"
    """The sandbox's second person is on the line (known by a tone of 1004 Hz)."""
    HANGUP = "hangup"
    """The other side hangs up."""


@dataclass(frozen=True, slots=True)
class Wait:
    what: Awaited
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    interrupt_after_ms: int | None = None
    """Speak into the agent's turn, this long after it began; None: speak now."""


@dataclass(frozen=True, slots=True)
class Press:
    digits: str


@dataclass(frozen=True, slots=True)
class Pause:
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Step: TypeAlias = Wait | Say | Press | Pause | Hangup


@dataclass(frozen=True, slots=True)
class Scenario:
    did: str
    steps: tuple[Step, ...]
    codec: str = DEFAULT_CODEC
    voice: Voice = Voice.FLITE
    caller_number: str = DEFAULT_CALLER_NUMBER

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything the caller will say."""
        return tuple(step.text for step in self.steps if isinstance(step, Say))


def load(path: Path) -> Scenario:
    """Raises SandboxError, one line that names the file and the key."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SandboxError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(f"{path}: not valid TOML: {error}") from None
    try:
        return parse(table)
    except _Mistake as error:
        raise SandboxError(f"{path}: {error}") from None


def parse(table: Mapping[str, Any]) -> Scenario:
    """The scenario in a TOML table. Raises SandboxError, naming the key."""
    keys = _Table(table, "")
    steps = keys.get("step", _tables)
    scenario = Scenario(
        did=keys.get("did", _text(r"[0-9A-Za-z*#+]+")),
        codec=keys.get("codec", _one_of(CODECS), DEFAULT_CODEC),
        voice=keys.get("voice", _member(Voice), Voice.FLITE),
        caller_number=keys.get("caller_number", _text(r"\+?[0-9]+"), DEFAULT_CALLER_NUMBER),
        steps=tuple(_step(_Table(step, f"step {number}: ")) for number, step in enumerate(steps, 1)),
    )
    keys.finish()
    return scenario


def _step(keys: _Table) -> Step:
    verbs = [verb for verb in _VERBS if verb in keys.table]
    if len(verbs) != 1:
        raise _Mistake(f"{keys.where}needs one of {', '.join(_VERBS)}; has {' and '.join(verbs) or 'none'}")
    step = _VERBS[verbs[0]](keys)
    keys.finish()
    return step


def _hangup(keys: _Table) -> Hangup:
    keys.get("hangup", _true)
    return Hangup()


_VERBS: dict[str, Callable[[_Table], Step]] = {
    "wait": lambda keys: Wait(
        keys.get("wait", _member(Awaited)),
        keys.get("timeout_s", _number(0.1, 600.0), DEFAULT_TIMEOUT_S),
    ),
    "say": lambda keys: Say(
        keys.get("say", _text(r"(?s).*\S.*")), keys.get("interrupt_after_ms", _duration_ms, None)
    ),
    "press": lambda keys: Press(keys.get("press", _text(r"[0-9*#A-D]+"))),
    "pause_ms": lambda keys: Pause(keys.get("pause_ms", _duration_ms)),
    "hangup": _hangup,
}


# ------------------------------------------------------------------ reading a table strictly


class _Mistake(SandboxError):
    """Something in the file is wrong; the text begins with the key."""


_REQUIRED: Any = object()


class _Table:
    """A TOML table whose keys are asked for one by one; what nobody asked for is a mistake."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.table = table
        self.where = where
        self._asked: set[str] = set()

    def get(self, key: str, check: Callable[[Any], Any], default: Any = _REQUIRED) -> Any:
        """The checked value; `check` raises ValueError with what it wants."""
        self._asked.add(key)
        if key not in self.table:
            if default is _REQUIRED:
                raise _Mistake(f"{self.where}{key}: missing")
            return default
        try:
            return check(self.table[key])
        except ValueError as error:
            raise _Mistake(f"{self.where}{key}: must be {error}") from None

    def finish(self) -> None:
        for key in self.table:
            if key not in self._asked:
                raise _Mistake(f"{self.where}{key}: unknown key")


def _text(pattern: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"a text like {pattern}")
        return value

    return check


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


def _member(choices: type[Enum]) -> Callable[[Any], Enum]:
    def check(value: Any) -> Enum:
        for member in choices:
            if member.value == value:
                return member
        raise ValueError(f"one of {', '.join(str(member.value) for member in choices)}")

    return check


def _number(least: float, most: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return float(value)

    return check


def _duration_ms(value: Any) -> int:
    return round(_number(0, MAX_DURATION_MS)(value))


def _true(value: Any) -> bool:
    if value is not True:
        raise ValueError("true")
    return True


def _tables(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ValueError("one or more [[step]] tables")
    return value
