"""What stands in for parts of the world: a recogniser that knows the words, models that answer as the file
says, tools with a given result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ari_bridge.actions.base import Action, ActionResult, Desk
from ari_bridge.core.errors import ToolError
from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.dialogue.budget import SUMMARY_REQUEST
from ari_bridge.providers.base import (
    Heard,
    ReplyDelta,
    SpeechContext,
    SttInput,
    TextDelta,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.scenario.format import ReplyFile, ToolFile
from ari_bridge.scenario.virtual_time import running_loop
from ari_bridge.tools.base import Tool

FINAL_DELAY_S = 0.05
_SUMMARISE = SUMMARY_REQUEST.partition("{")[0]
PATH_S = 0.065
"""From the caller's mouth to the recogniser: packet, network, jitter buffer."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    end_s: float


class SpokenWords:
    """Everything the caller says, each word with its time, as soon as it is begun."""

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.began_s: dict[int, float] = {}
        """When each utterance began: a recogniser that hears it again later cannot tell."""

    def said(self, text: str, at_s: float, duration_s: float) -> None:
        """A text is spoken from `at_s` on; each word takes its share of the letters."""
        words = text.split()
        ends = [0.0]
        for word in words:
            ends.append(ends[-1] + len(word) + 1)
        scale = duration_s / max(1.0, ends[-1])
        for word, (start, end) in zip(words, pairwise(ends), strict=True):
            self.words.append(Word(word, at_s + start * scale, at_s + end * scale))

    def between(self, from_s: float, until_s: float) -> str:
        """What had its middle in that time."""
        return " ".join(
            word.text for word in self.words if from_s <= (word.start_s + word.end_s) / 2 + PATH_S < until_s
        )


class ExactRecogniser:
    """Understands what was said while an utterance was open, partial transcripts word by word."""

    def __init__(self, spoken: SpokenWords) -> None:
        self._spoken = spoken

    async def transcribe(
        self, audio: AsyncIterator[SttInput], context: SpeechContext
    ) -> AsyncGenerator[Transcript, None]:
        clock = asyncio.get_running_loop().time
        utterance, opened_s, is_new, guess = -1, 0.0, False, ""
        began_s = self._spoken.began_s
        async for item in audio:
            match item:
                case UtteranceStart(utterance):
                    opened_s, guess = clock(), ""
                    is_new = utterance not in began_s
                    began_s.setdefault(utterance, opened_s)
                case Heard(pcm):
                    if is_new and clock() == opened_s:  # what comes together with the start was said before
                        began_s[utterance] -= len(pcm) / context.rate_hz
                    before, guess = guess, self._spoken.between(began_s.get(utterance, clock()), clock())
                    if guess != before and utterance >= 0:
                        yield Transcript(utterance, guess, final=False)
                case UtteranceEnd(number):
                    text = self._spoken.between(began_s.get(number, clock()), clock())
                    await asyncio.sleep(FINAL_DELAY_S)
                    yield Transcript(number, text, final=True, confidence=1.0 if text else 0.0)

    async def close(self) -> None: ...


class ModelStandIn:
    """A language model's place: what it says follows from the history alone, so that asking twice gives the
    same answer with the same tool calls."""

    def __init__(self, replies: Sequence[ReplyFile], asked: list[tuple[Message, ...]]) -> None:
        """`asked`: gets the history of each request for an answer."""
        self._replies, self._asked = replies, asked

    @property
    def phrases(self) -> tuple[str, ...]:
        return ()

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        if not any(message.text.startswith(_SUMMARISE) for message in history):
            self._asked.append(tuple(history))
        said = [(index, m.text) for index, m in enumerate(history) if m.role is Role.CALLER]
        if not said:
            return
        reply = self._chosen([text for _, text in said])
        if reply is None:
            return
        last = history[-1]
        text = reply.says
        if last.role is Role.TOOL:
            text = reply.then.replace("{result}", last.text)
        await asyncio.sleep(reply.after_ms / 1000)
        for word in re.findall(r"\S+\s*", text):
            yield TextDelta(word)
            await asyncio.sleep(reply.word_ms / 1000)
        if last.role is not Role.TOOL:
            for number, call in enumerate(reply.calls):
                yield ToolCall(f"turn-{said[-1][0]}-{number}", call.tool, call.arguments)

    def _chosen(self, said: Sequence[str]) -> ReplyFile | None:
        """For the last thing said, when those before have used up what they did."""
        left = [reply.times for reply in self._replies]
        chosen = None
        for text in said:
            chosen = None
            for index, reply in enumerate(self._replies):
                fits = reply.when is None or re.search(reply.when, text, re.IGNORECASE)
                times = left[index]
                if fits and times != 0:
                    chosen = reply
                    left[index] = None if times is None else times - 1
                    break
        return chosen

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ToolRun:
    at_s: float
    name: str
    arguments: Mapping[str, Any]


def stand_in_tool(tool: ToolFile, runs: list[ToolRun]) -> Tool:
    """A tool of that name; its uses are added to `runs`."""

    async def use(arguments: Mapping[str, Any], key: str) -> str:
        runs.append(ToolRun(asyncio.get_running_loop().time(), tool.name, arguments))
        await asyncio.sleep(tool.takes_ms / 1000)
        if tool.fails:
            raise ToolError(tool.result, happened=False)
        return tool.result

    spec = ToolSpec(tool.name, tool.description or tool.name, tool.parameters)
    return Tool(spec, use, tool.effects, tool.idempotent, tool.parallel)


def noted_tool(tool: Tool, runs: list[ToolRun]) -> Tool:
    """The tool as it is, its uses added to `runs`; time is real while it works."""

    async def use(arguments: Mapping[str, Any], key: str) -> str:
        runs.append(ToolRun(asyncio.get_running_loop().time(), tool.name, arguments))
        with running_loop().work_outside():
            return await tool.run(arguments, key)

    return replace(tool, run=use)


def noted_action(action: Action, runs: list[ToolRun]) -> Action:
    """The action, its uses added to `runs`."""

    async def use(arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
        runs.append(ToolRun(asyncio.get_running_loop().time(), action.name, arguments))
        return await action.run(arguments, desk)

    return replace(action, run=use)
