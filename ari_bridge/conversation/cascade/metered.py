"""A language model whose usage is counted, whoever of the call asks it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ari_bridge.conversation.cascade.streams import closable
from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.providers.base import LanguageModel, Meter, ReplyDelta, Usage


class MeteredModel:
    """A `LanguageModel` of one call; closing the engine is left to its owner."""

    def __init__(self, llm: LanguageModel, meter: Meter) -> None:
        self._llm, self._meter = llm, meter

    @property
    def phrases(self) -> tuple[str, ...]:
        return self._llm.phrases

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        async with aclosing(closable(self._llm.reply(history, tools))) as deltas:
            async for delta in deltas:
                if isinstance(delta, Usage):
                    self._meter(delta)
                else:
                    yield delta

    async def close(self) -> None: ...
