"""A vendor's language model, whose replies stream as server-sent events.

What differs between vendors is a `Dialect`: the request's body, and a `Reader` of the events, both free of
I/O. What is the same is here: asking, watching that the reply comes to its end, and leaving it.

Leaving a reply early closes its connection: that is how these vendors are told to stop. The next turn would
wait for a new one, so that is opened at once.

A reply's `Usage` items add up. The first comes right behind the first words, so that a reply that is left
has been counted as far as the vendor had told by then.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from enum import Enum
from typing import Any, Protocol, TypeAlias

import aiohttp

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.providers.base import ReplyDelta, TextDelta, Usage
from ari_bridge.providers.llm.model_options import merged
from ari_bridge.providers.llm.thinking import Ladder
from ari_bridge.providers.llm.turns import Talk, talk_of
from ari_bridge.providers.vendor.http import HttpVendor
from ari_bridge.providers.vendor.retry import Refused

log = logging.getLogger(__name__)

Delta: TypeAlias = TextDelta | ToolCall
_NOT_AS_AGREED = (LookupError, TypeError, AttributeError, ValueError)
"""What a reader meets in an event of another shape than the vendor's."""
_NO_CHARACTERS = re.compile(r"[\0\ud800-\udfff]")
_DONE = "[DONE]"
"""OpenAI's own end of a stream; others have taken it over."""


class Ending(Enum):
    """Why a reply ended."""

    COMPLETE = "it was complete"
    CUT = "the limit of tokens was reached"
    FILTERED = "the vendor's content filter stopped it"


def said(text: Any) -> TextDelta:
    """Raises TypeError: it is no text."""
    if not isinstance(text, str):
        raise TypeError("no text")
    return TextDelta(_NO_CHARACTERS.sub("", text))


class VendorFault(Exception):
    """The vendor told in the middle of a stream that it failed."""

    def __init__(self, said: str, *, retryable: bool) -> None:
        super().__init__(said)
        self.retryable = retryable


class Reader(Protocol):
    """Of one reply's events."""

    usage: Usage
    """As far as the vendor has told."""
    ending: Ending | None
    """None while the reply goes on."""

    def read(self, event: Mapping[str, Any]) -> Iterable[Delta]:
        """Raises VendorFault; any LookupError, TypeError, AttributeError or ValueError means an event of
        another shape than the vendor's."""
        ...

    @property
    def is_over(self) -> bool:
        """Nothing that matters comes any more."""
        ...


class Dialect(Protocol):
    @property
    def path(self) -> str:
        """Of the request, after the base URL; with its query."""
        ...

    @property
    def service(self) -> str:
        """Vendor and model, as in Usage."""
        ...

    def body(self, talk: Talk, tools: Sequence[ToolSpec]) -> dict[str, Any]: ...

    def reader(self) -> Reader: ...


class StreamedModel:
    """A LanguageModel. Safe for any number of replies at once."""

    phrases: tuple[str, ...] = ()

    def __init__(
        self, http: HttpVendor, dialect: Dialect, thinking: Ladder, extra_body: Mapping[str, Any]
    ) -> None:
        self._http, self._dialect = http, dialect
        self._thinking, self._extra_body = thinking, extra_body
        self._warming: asyncio.Task[None] | None = None

    async def warm(self) -> None:
        await self._http.warm()

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        """Raises ProviderError."""
        talk, reader, tally = talk_of(history), self._dialect.reader(), _Tally(self._dialect.service)
        has_words = False
        async with AsyncExitStack() as stack:
            answer = await self._ask(stack, talk, tools)
            stack.callback(self._left, answer)
            events = await stack.enter_async_context(aclosing(self._http.events(answer)))
            async for event in events:
                if event.data.strip() == _DONE:
                    break
                for delta in self._read(reader, event.data):
                    if isinstance(delta, ToolCall) or delta.text:
                        has_words = has_words or isinstance(delta, ToolCall) or bool(delta.text.strip())
                        yield delta
                if has_words and (used := tally.new(reader.usage)):
                    yield used
                if reader.is_over:
                    break
            self._judge(reader.ending, has_words=has_words, is_owed=talk.is_answer_owed)
            if used := tally.new(reader.usage):
                yield used
            await self._http.finish(answer)

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait([self._warming])
        await self._http.close()

    async def _ask(
        self, stack: AsyncExitStack, talk: Talk, tools: Sequence[ToolSpec]
    ) -> aiohttp.ClientResponse:
        """The answer, its events still to come, with as little thinking as the model lets us ask for."""
        plain = self._dialect.body(talk, tools)
        while True:
            setting = self._thinking.setting
            body = merged(merged(plain, setting), self._extra_body)
            try:
                return await stack.enter_async_context(
                    self._http.request("POST", self._dialect.path, body=body)
                )
            except Refused as error:
                if not self._thinking.refused(setting, error.status, str(error)):
                    raise
                log.info("%s; asking for thinking in another way", error)

    def _read(self, reader: Reader, data: str) -> list[Delta]:
        event = self._http.json(data)
        try:
            return list(reader.read(event))
        except VendorFault as fault:
            said = self._http.said(str(fault))
            raise ProviderError(f"{self._http.name}: {said}", retryable=fault.retryable) from None
        except _NOT_AS_AGREED:
            raise self._http.nonsense("an event of another shape") from None

    def _judge(self, ending: Ending | None, *, has_words: bool, is_owed: bool) -> None:
        """Raises ProviderError unless the reply can stand."""
        name = self._http.name
        match ending:
            case None:
                raise ProviderError(f"{name}: broke off in the middle of its answer", retryable=True)
            case Ending.COMPLETE if not has_words and is_owed:
                raise ProviderError(f"{name}: an empty answer", retryable=True)
            case Ending.CUT | Ending.FILTERED if not has_words:
                raise ProviderError(f"{name}: no answer: {ending.value}", retryable=False)
            case Ending.CUT | Ending.FILTERED:
                log.warning("%s: the answer is not whole: %s", name, ending.value)

    def _left(self, answer: aiohttp.ClientResponse) -> None:
        """Nobody reads `answer` any more."""
        is_whole = answer.content.is_eof()
        if not is_whole and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self.warm())


class _Tally:
    """What was reported of one reply's usage."""

    def __init__(self, service: str) -> None:
        self._service, self._told = service, Usage()

    def new(self, usage: Usage) -> Usage | None:
        """What came to `usage` since it was asked before; None for nothing."""
        told, self._told = self._told, usage
        inputs, outputs = usage.input_tokens - told.input_tokens, usage.output_tokens - told.output_tokens
        cached = usage.cached_tokens - told.cached_tokens
        if not (inputs or outputs or cached):
            return None
        return Usage(inputs, outputs, self._service, cached)
