"""What every provider must keep, whichever it is: parametrised over the registry.

Voices, and providers that need a key or a network, have contracts of their own, against fake servers:
test_tts_contract.py, test_llm_contract.py, test_stt_contract.py, test_speech_contract.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.messages import Message, Role, ToolSpec
from ari_bridge.providers.base import (
    Heard,
    Kind,
    LanguageModel,
    SpeechContext,
    SpeechToText,
    SttInput,
    TextDelta,
    Transcript,
    UtteranceEnd,
    UtteranceStart,
)
from ari_bridge.providers.registry import all_providers, build
from tests.providers.fakes.language_models import SERVERS as LANGUAGE_MODELS

OPTIONS: dict[str, dict[str, object]] = {"pocketsphinx": {}, "script": {}}
_CALLS = 12
_TOOLS = [ToolSpec(name, "", {"type": "object"}) for name in ("transfer", "hangup")]


def _names(kind: Kind) -> list[str]:
    return [p.name for p in all_providers().values() if p.kind is kind and p.name in OPTIONS]


def _build(name: str) -> Any:
    return build(name, all_providers()[name].kind, OPTIONS[name], table=f"providers.{name}")


async def _longest_stall_s(work: Coroutine[Any, Any, object]) -> float:
    """The longest time for which the event loop did not turn while `work` was done."""
    loop = asyncio.get_running_loop()
    worst, is_done = 0.0, False

    async def tick() -> None:
        nonlocal worst
        before = loop.time()
        while not is_done:
            await asyncio.sleep(0.001)
            now = loop.time()
            worst, before = max(worst, now - before), now

    ticking = asyncio.create_task(tick())
    await work
    is_done = True
    await ticking
    return worst


async def _only_this_task() -> bool:
    for _ in range(100):
        if asyncio.all_tasks() == {asyncio.current_task()}:
            return True
        await asyncio.sleep(0.01)
    return False


# ------------------------------------------------------------------ language model


@pytest.mark.parametrize("name", _names(Kind.LLM))
def test_llm_streams_text_for_every_kind_of_history(name: str) -> None:
    async def main() -> None:
        llm: LanguageModel = _build(name)
        long = [Message(r, "hello " * 50) for _ in range(100) for r in (Role.AGENT, Role.CALLER)]
        for history in (
            [Message(Role.CALLER, "hello")],
            [Message(Role.CALLER, "")],
            [Message(Role.SYSTEM, "Be kind."), Message(Role.CALLER, "[digit 1]")],
            [Message(Role.AGENT, "Good d", interrupted=True), Message(Role.CALLER, "😀\0\n")],
            long,
        ):
            deltas = [delta async for delta in llm.reply(history, _TOOLS)]
            assert "".join(d.text for d in deltas if isinstance(d, TextDelta)).strip()
        await llm.close()
        assert await _only_this_task()

    asyncio.run(main())


@pytest.mark.parametrize("name", _names(Kind.LLM))
def test_llm_can_be_stopped_after_any_delta_and_serves_many(name: str) -> None:
    async def main() -> None:
        llm: LanguageModel = _build(name)
        history = [Message(Role.CALLER, "what are your opening hours")]

        async def some(count: int) -> int:
            replying = llm.reply(history, _TOOLS)
            taken = 0
            async for _ in replying:
                taken += 1
                if taken >= count:
                    break
            await replying.aclose()  # type: ignore[attr-defined]
            return taken

        taken = await asyncio.gather(*(some(count) for count in range(1, _CALLS + 1)))
        assert taken == list(range(1, _CALLS + 1))
        await llm.close()

    asyncio.run(main())


# ------------------------------------------------------------------ speech to text

_PHRASES = ("good morning", "tell me about the company")


async def _audio(utterances: int, *, ends: bool = True) -> AsyncIterator[SttInput]:
    murmur = np.random.default_rng(1).normal(0, 200, 8000).astype(np.int16)
    for number in range(utterances):
        yield UtteranceStart(number)
        for offset in range(0, len(murmur), 160):
            yield Heard(murmur[offset : offset + 160])
        yield UtteranceEnd(number)
    if not ends:
        await asyncio.Event().wait()


@pytest.mark.parametrize("name", _names(Kind.STT))
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_stt_answers_each_utterance_with_one_final(name: str, rate_hz: int) -> None:
    async def main() -> None:
        stt: SpeechToText = _build(name)
        context = SpeechContext(rate_hz, phrases=_PHRASES)
        finals = [t.utterance async for t in stt.transcribe(_audio(3), context) if t.final]
        assert finals == [0, 1, 2]
        none = [t async for t in stt.transcribe(_audio(0), context)]
        assert none == []
        await stt.close()
        await stt.close()
        assert await _only_this_task()

    asyncio.run(main())


@pytest.mark.parametrize("name", _names(Kind.STT))
def test_stt_can_be_stopped_at_any_time(name: str) -> None:
    async def main() -> None:
        stt: SpeechToText = _build(name)
        context = SpeechContext(8000, phrases=_PHRASES)

        async def listen() -> None:
            async for _ in stt.transcribe(_audio(2, ends=False), context):
                pass

        for turns in (0, 1, 2, 3, 5, 10, 30, 100):
            listening = asyncio.create_task(listen())
            for _ in range(turns):
                await asyncio.sleep(0)
            listening.cancel()
            await asyncio.wait([listening])
        finals = [t async for t in stt.transcribe(_audio(1), context) if t.final]
        assert len(finals) == 1
        await stt.close()
        assert await _only_this_task()

    asyncio.run(main())


@pytest.mark.parametrize("name", _names(Kind.STT))
def test_stt_of_many_calls_at_once_answers_each_and_does_not_stall(name: str) -> None:
    async def main() -> None:
        stt: SpeechToText = _build(name)
        context = SpeechContext(8000, phrases=_PHRASES)
        answers: list[list[Transcript]] = []

        async def listen() -> None:
            answers.append([t async for t in stt.transcribe(_audio(2), context) if t.final])

        async def all_at_once() -> None:
            await asyncio.gather(*(listen() for _ in range(_CALLS)))

        stall_s = await _longest_stall_s(all_at_once())
        assert [len(finals) for finals in answers] == [2] * _CALLS
        assert stall_s < 2.0
        await stt.close()

    asyncio.run(main())


def test_every_language_model_is_under_this_contract_or_has_its_own() -> None:
    models = {provider.name for provider in all_providers().values() if provider.kind is Kind.LLM}
    assert models == {"script"} | set(LANGUAGE_MODELS)
