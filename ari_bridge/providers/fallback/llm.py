"""A language model with others in reserve: the next one goes on after the words that were given already.

It gets the history with those words at its end and is asked to go on. Models differ in how well they do that,
so an answer that begins with the same words all the same has them taken off. Only whole words are passed on:
half a word could not be gone on from.

A tool call that was passed on may have had its effect: the reply counts as complete then, since the tool's
result leads to another one anyway.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.dialogue.sentences import has_words
from ari_bridge.providers.base import LanguageModel, ReplyDelta, TextDelta
from ari_bridge.providers.fallback.pool import Pool
from ari_bridge.providers.streams import StallLimits, watched

GO_ON = (
    "Your last words were cut off on their way, and what you see of them is all that the caller hears. "
    "Go on right after them. Do not repeat them, and do not mention the interruption."
)
WORD_CHARS_MAX = 40
"""What is longer is passed on though no space has come: some scripts have none."""
_TOKEN = re.compile(r"\S+\s*")
_MARKS = re.compile(r"[^\w]+")


class FallbackLanguageModel:
    def __init__(
        self, pool: Pool[LanguageModel], limits: StallLimits, last: StallLimits | None = None
    ) -> None:
        """`last`: for the last one that is asked, with nobody behind it; the same when unset."""
        self._pool, self._limits = pool, limits
        self._last = limits if last is None else last

    @property
    def phrases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(phrase for engine in self._pool.engines for phrase in engine.phrases))

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        """Raises ProviderError when no engine has replied to the end. An empty reply is one only where nobody
        is left to be asked."""
        given = ""
        attempts = self._pool.attempts("language model")
        for left, member in self._pool.counted_down():
            limits = self._limits if left else self._last
            acted = False
            words = _NewWords(given)
            with attempts.by(member):
                reply = member.engine.reply(_continued(history, given), tools)
                deltas = watched(reply, limits, _says_something)
                async with aclosing(deltas) as stream:
                    async for delta in stream:
                        match delta:
                            case TextDelta(text):
                                if new := words.add(text):
                                    given += new
                                    yield TextDelta(new)
                            case ToolCall():
                                if new := words.finish():
                                    given += new
                                    yield TextDelta(new)
                                acted = True
                                yield delta
                            case _:
                                yield delta
                if new := words.finish():
                    given += new
                    yield TextDelta(new)
                if left and not has_words(given) and not acted and _is_owed(history):
                    raise ProviderError("an empty reply", retryable=True)
                return
            if acted:
                return
        raise attempts.exhausted()

    async def warm(self) -> None:
        await self._pool.warm()

    async def close(self) -> None:
        await self._pool.close()


def _says_something(delta: ReplyDelta) -> bool:
    return has_words(delta.text) if isinstance(delta, TextDelta) else isinstance(delta, ToolCall)


def _continued(history: Sequence[Message], given: str) -> Sequence[Message]:
    if not has_words(given):
        return history
    said = Message(Role.AGENT, given.strip(), interrupted=True)
    return [*history, said, Message(Role.SYSTEM, GO_ON)]


def _is_owed(history: Sequence[Message]) -> bool:
    """Whether silence would leave the caller without an answer: nothing was said since they spoke."""
    for message in reversed(history):
        if message.role is Role.CALLER:
            return True
        if message.role is Role.AGENT and has_words(message.text):
            return False
    return False


class _NewWords:
    """Takes the whole words out of deltas, without the beginning that repeats `given`."""

    def __init__(self, given: str) -> None:
        self._expected = [_plain(token) for token in _TOKEN.findall(given)]
        self._matched: list[str] = []
        """Tokens that repeat what was given so far: held until it is sure."""
        self._rest = ""
        """The beginning of a word."""

    def add(self, text: str) -> str:
        tokens = _TOKEN.findall(self._rest + text)
        whole = not tokens or tokens[-1][-1].isspace() or len(tokens[-1]) > WORD_CHARS_MAX
        self._rest = "" if whole else tokens.pop()
        return "".join(self._take(token) for token in tokens)

    def finish(self) -> str:
        """The stream has ended, or something else than text comes: the last word is whole."""
        rest, self._rest = self._rest, ""
        return self._take(rest) if rest else ""

    def _take(self, token: str) -> str:
        if not self._expected:
            return token
        at = len(self._matched)
        if at < len(self._expected) and _plain(token) == self._expected[at]:
            self._matched.append(token)
            if len(self._matched) == len(self._expected):
                self._expected, self._matched = [], []
            return ""
        held, self._expected, self._matched = "".join(self._matched), [], []
        return held + token


def _plain(token: str) -> str:
    return _MARKS.sub("", token).casefold()
