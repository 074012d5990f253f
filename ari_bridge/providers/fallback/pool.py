"""Several engines in the place of one, in the order in which an agent lists them.

An engine that fails, stalls or returns nonsense in the middle of a turn is left, and the next takes up the
turn where the listener is: nothing that was put out already is put out again. How that is done differs by
kind (`fallback_llm`, `fallback_stt`, `fallback_tts`); this file holds what they share.

Each engine has a circuit breaker over all calls. It decides who is asked first, never who may not be asked:
the engines that rest come last, since a tired engine is better than a silent agent. Errors that would come
again (a language the engine does not speak) do not count for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Generic, TypeVar

from ari_bridge.core.errors import Fault, ProviderError
from ari_bridge.providers.base import LanguageModel, SpeechToText, TextToSpeech, warmed
from ari_bridge.providers.fallback.breaker import CircuitBreaker

_log = logging.getLogger(__name__)

AT_ONCE_S = 1.0

E = TypeVar("E", bound=SpeechToText | LanguageModel | TextToSpeech)


class Member(Generic[E]):
    """One engine, which may be in the pools of several agents."""

    def __init__(self, name: str, engine: E, breaker: CircuitBreaker) -> None:
        self.name, self.engine, self.breaker = name, engine, breaker


class Pool(Generic[E]):
    """The engines of one list, the first being asked first."""

    def __init__(self, members: Sequence[Member[E]], when: Collection[Fault] = tuple(Fault)) -> None:
        """`when`: the faults for which the next one is asked."""
        self._members, self._when = tuple(members), when

    @property
    def engines(self) -> list[E]:
        return [member.engine for member in self._members]

    def in_order(self) -> list[Member[E]]:
        """All of them: those that rest after those that work."""
        now = asyncio.get_running_loop().time()
        return sorted(self._members, key=lambda member: not member.breaker.allows(now))

    def attempts(self, what: str) -> Attempts:
        """At one piece of work; `what` it is, for the log."""
        return Attempts(what, self._when)

    def counted_down(self) -> list[tuple[int, Member[E]]]:
        """All of them in order, each with how many are left after it."""
        order = self.in_order()
        return list(zip(range(len(order) - 1, -1, -1), order, strict=True))

    async def warm(self) -> None:
        """The engine that will be asked first; those in reserve may never be."""
        await warmed(self.in_order()[0].engine)

    async def close(self) -> None:
        for member in self._members:
            await member.engine.close()


class Attempts:
    """What became of one piece of work, engine after engine."""

    def __init__(self, what: str, when: Collection[Fault]) -> None:
        self._what, self._when = what, when
        self._error: ProviderError | None = None
        self._failed = 0
        self._began_s = asyncio.get_running_loop().time()

    def by(self, member: Member[E]) -> Attempt[E]:
        return Attempt(self, member)

    def gave_way(self, member: Member[E], error: ProviderError) -> bool:
        """Whether the next one is to be asked."""
        self._error = error
        self._failed += 1
        may = error.fault in self._when
        _log.warning("%s: %s %s: %s", self._what, member.name, "gave way" if may else "failed", error)
        return may

    def exhausted(self) -> ProviderError:
        """The error to raise when nobody is left. A single engine that failed at once may be asked once more;
        one that kept its listener waiting may not."""
        if self._error is None:
            return ProviderError("there is no engine", retryable=False)
        if self._failed == 1:
            took_s = asyncio.get_running_loop().time() - self._began_s
            return ProviderError(str(self._error), retryable=self._error.retryable and took_s < AT_ONCE_S)
        return ProviderError(f"all engines failed, the last with: {self._error}", retryable=False)


class Attempt(Generic[E]):
    """One engine's try, as a context: its ProviderError ends it, and the next may try."""

    def __init__(self, attempts: Attempts, member: Member[E]) -> None:
        self._attempts, self._member = attempts, member
        self._clock = asyncio.get_running_loop().time

    def __enter__(self) -> None:
        self._member.breaker.asked(self._clock())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        breaker = self._member.breaker
        if error is None:
            breaker.worked()
        elif isinstance(error, ProviderError) and error.retryable:
            breaker.failed(self._clock())
        else:
            breaker.dropped()
        if not isinstance(error, ProviderError):
            return False
        return self._attempts.gave_way(self._member, error)
