"""The scripted agent: a language model's place filled by rules from a TOML file. Offline, instant, exact.

It keeps no state: whatever it answers follows from the history it is given (script_talk.py), so a turn
that is asked for twice gets the same answer with the same tool call ids.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.providers.base import Kind, Provider, ReplyDelta, TextDelta
from ari_bridge.providers.llm.script_file import Script, load_script
from ari_bridge.providers.llm.script_talk import answer

EXAMPLE = Path(__file__).parent / "scripts" / "reception.toml"
_TOKEN = re.compile(r"\S+\s*")


class ScriptOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    script_file: Path = EXAMPLE
    token_ms: float = Field(default=0.0, ge=0, le=1000)
    """The pause before each token, to behave like a model that thinks."""


class ScriptedAgent:
    def __init__(self, script: Script, token_ms: float) -> None:
        self._script = script
        self._token_s = token_ms / 1000

    @property
    def phrases(self) -> tuple[str, ...]:
        return self._script.sentences

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        """The answer's text word by word, then its tool calls. Nothing when there is nothing to answer."""
        said = answer(self._script, history, {tool.name for tool in tools})
        for token in _TOKEN.findall(said.text):
            await asyncio.sleep(self._token_s)
            yield TextDelta(token)
        for call in said.tool_calls:
            yield call

    async def close(self) -> None:
        pass


def _build(options: ScriptOptions) -> ScriptedAgent:
    return ScriptedAgent(load_script(options.script_file), options.token_ms)


PROVIDER = Provider(
    name="script",
    kind=Kind.LLM,
    options=ScriptOptions,
    build=_build,
    summary="rules from a TOML file in a language model's place: offline default",
)
