"""The language model's replies, as they stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing

from ari_bridge.conversation.cascade.context import Context
from ari_bridge.conversation.cascade.streams import stubborn
from ari_bridge.conversation.line.tasks import Tasks
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.dialogue import signals as s
from ari_bridge.providers.base import LanguageModel, TextDelta

log = logging.getLogger(__name__)


class Replies:
    def __init__(
        self,
        llm: LanguageModel,
        tools: Sequence[ToolSpec],
        context: Context,
        tasks: Tasks,
        handle: Callable[[s.Event], None],
    ) -> None:
        self._llm, self._tools = llm, tools
        self._context = context
        self._tasks = tasks
        self._handle = handle
        self._running: dict[int, asyncio.Task[None]] = {}

    def start(self, number: int, messages: Sequence[Message]) -> None:
        self._running[number] = self._tasks.start(self._stream, number, self._context.of(messages))

    def cancel(self, number: int) -> None:
        task = self._running.pop(number, None)
        if task is not None:
            task.cancel()

    async def ended(self) -> None:
        """Until those that run now have ended."""
        if self._running:
            await asyncio.wait(set(self._running.values()))

    @property
    def are_running(self) -> bool:
        return bool(self._running)

    async def _stream(self, number: int, messages: Sequence[Message]) -> None:
        try:
            async with aclosing(stubborn(lambda: self._llm.reply(messages, self._tools))) as stream:
                async for delta in stream:
                    match delta:
                        case TextDelta(text):
                            self._handle(s.ReplyText(number, text))
                        case ToolCall():
                            self._handle(s.ReplyToolCall(number, delta))
        except ProviderError as error:
            log.warning("language model: %s", error)
            self._handle(s.ReplyFailed(number))
        else:
            self._handle(s.ReplyEnded(number))
        finally:
            self._running.pop(number, None)
