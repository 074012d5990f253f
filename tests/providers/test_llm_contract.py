"""What every vendor's language model must keep, proved against a server that keeps the vendor's rules."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall, ToolSpec
from ari_bridge.providers.base import Kind, LanguageModel, ReplyDelta, TextDelta, Usage
from ari_bridge.providers.fallback.breaker import CircuitBreaker
from ari_bridge.providers.fallback.llm import FallbackLanguageModel
from ari_bridge.providers.fallback.pool import Member, Pool
from ari_bridge.providers.llm.streamed import StreamedModel
from ari_bridge.providers.registry import all_providers
from ari_bridge.providers.streams import NO_LIMITS, StallLimits, watched
from tests.providers.fakes.language_models import KEY_ENV, MODELS, SERVERS, served
from tests.providers.fakes.llm_server import (
    CACHED_TOKENS,
    INPUT_TOKENS,
    KEY,
    OUTPUT_TOKENS,
    Answers,
    Calls,
    Refuses,
)

NAMES = sorted(p.name for p in all_providers().values() if p.kind is Kind.LLM and p.name != "script")
each = pytest.mark.parametrize("name", NAMES)

HELLO = [Message(Role.SYSTEM, "You are the reception."), Message(Role.CALLER, "Good morning.")]
SLOT = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
TOOLS = [ToolSpec("book", "Book a slot.", SLOT), ToolSpec("hangup", "End the call.", {"type": "object"})]
BOOK = Calls("call_1", "book", ('{"da', 'y": "Tue', 'sday"}'))
HANGUP = Calls("call_2", "hangup", ())


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Also proves that nothing is left running."""

    async def whole() -> None:
        await main
        for _ in range(200):
            if asyncio.all_tasks() == {asyncio.current_task()}:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(asyncio.all_tasks())

    asyncio.run(whole())


async def reply(model: StreamedModel, history: Sequence[Message] = HELLO) -> list[ReplyDelta]:
    return [delta async for delta in model.reply(history, TOOLS)]


def words(deltas: Sequence[ReplyDelta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def calls(deltas: Sequence[ReplyDelta]) -> list[ToolCall]:
    return [delta for delta in deltas if isinstance(delta, ToolCall)]


def test_all_vendors_are_under_this_contract() -> None:
    assert sorted(SERVERS) == NAMES


# ------------------------------------------------------------------ what a reply is


@each
def test_words_stream_and_their_cost_is_told(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(("Good ", "morning", "."))) as (model, _):
            deltas = await reply(model)
            assert [d.text for d in deltas if isinstance(d, TextDelta)] == ["Good ", "morning", "."]
            used = [d for d in deltas if isinstance(d, Usage)]
            assert sum(u.input_tokens for u in used) == INPUT_TOKENS
            assert sum(u.cached_tokens for u in used) == CACHED_TOKENS
            assert sum(u.output_tokens for u in used) == OUTPUT_TOKENS
            assert {u.service for u in used} <= {f"{model_name} {MODELS[name]}" for model_name in _VENDORS}

    run(main())


_VENDORS = ("openai", "anthropic", "gemini", "127.0.0.1")


@each
def test_each_word_is_given_before_the_next_one_comes(name: str) -> None:
    async def main() -> None:
        last = {"anthropic": 5, "gemini": 2, "openai-chat": 3, "openai-responses": 6}[name]
        async with served(name, Answers(("One", " two"), stalls_at=last)) as (model, server):
            async with aclosing(model.reply(HELLO, TOOLS)) as deltas:
                assert await anext(deltas) == TextDelta("One")
                assert [d async for d in _texts(deltas, 1)] == [" two"]
            await server.nobody_is_served()

    run(main())


async def _texts(deltas: Any, count: int) -> Any:
    async for delta in deltas:
        if isinstance(delta, TextDelta):
            yield delta.text
            count -= 1
            if not count:
                return


@each
def test_tools_round_trip(name: str) -> None:
    """Two calls at once, their arguments in pieces; then the results, and an answer to those."""

    async def main() -> None:
        acts = (Answers(("One moment. ", BOOK, HANGUP)), Answers(("It is booked.",)))
        async with served(name, *acts) as (model, server):
            first = await reply(model)
            assert words(first) == "One moment. "
            assert [(c.name, dict(c.arguments)) for c in calls(first)] == [
                ("book", {"day": "Tuesday"}),
                ("hangup", {}),
            ]
            assert len({call.call_id for call in calls(first)}) == 2
            history = [
                *HELLO,
                Message(Role.AGENT, words(first), tool_calls=tuple(calls(first))),
                *(Message(Role.TOOL, "Tuesday, 9:15", tool_call_id=c.call_id) for c in calls(first)),
            ]
            assert words(await reply(model, history)) == "It is booked."
            assert "Tuesday, 9:15" in json.dumps(server.bodies[-1])
            assert all(tool.name in json.dumps(server.bodies[0]) for tool in TOOLS)

    run(main())


_TALK = [
    Message(Role.SYSTEM, "Be kind."),
    Message(Role.AGENT, "Hello, this is the reception."),
    Message(Role.AGENT, "How can I help?"),
    Message(Role.CALLER, "Book me in."),
    Message(Role.CALLER, "For Tuesday."),
    Message(
        Role.AGENT, "I look at", interrupted=True, tool_calls=(ToolCall("x/1 " * 30, "book", {"day": "T"}),)
    ),
    Message(Role.TOOL, "", tool_call_id="x/1 " * 30),
    Message(Role.CALLER, "Wednesday!"),
    Message(Role.SYSTEM, "Answer in German."),
]


@each
@pytest.mark.parametrize(
    "history",
    [
        [],
        [Message(Role.SYSTEM, "Be kind.")],
        [Message(Role.CALLER, "")],
        [Message(Role.CALLER, "\0\n")],
        [Message(Role.AGENT, "Hello!")],
        [*HELLO, Message(Role.AGENT, ""), Message(Role.AGENT, " ", interrupted=True)],
        [Message(Role.AGENT, "", tool_calls=(ToolCall("a", "book", {}), ToolCall("b", "hangup", {})))],
        [
            Message(Role.TOOL, "of nothing", tool_call_id="a"),
            Message(Role.CALLER, "Grüß Gott, \ud83d 你好 😀"),
        ],
        _TALK,
        [Message(r, "hello " * 200) for _ in range(200) for r in (Role.AGENT, Role.CALLER)],
    ],
    ids=["none", "system", "empty", "junk", "greeting", "silent", "no results", "orphan", "talk", "long"],
)
def test_every_history_is_acceptable(name: str, history: list[Message]) -> None:
    async def main() -> None:
        async with served(name) as (model, _):
            assert words(await reply(model, history)) == "Good morning."

    run(main())


@each
def test_a_model_is_told_that_it_was_interrupted(name: str) -> None:
    async def main() -> None:
        async with served(name) as (model, server):
            said = Message(Role.AGENT, "We are open from", interrupted=True)
            await reply(model, [*HELLO, said, Message(Role.CALLER, "On Sundays?")])
            sent = json.dumps(server.bodies[-1])
            assert sent.index("We are open from") < sent.index("interrupted you") < sent.index("On Sundays?")

    run(main())


@each
@pytest.mark.parametrize("size", [1, 7])
def test_other_languages_come_through_in_pieces_of_any_size(name: str, size: int) -> None:
    text = ("Grüß Gott! ", "今日は", " مرحبا ", "😀", "\u2028")

    async def main() -> None:
        async with served(name, Answers(text, chunk_bytes=size)) as (model, _):
            assert words(await reply(model)) == "".join(text)

    run(main())


@each
def test_a_very_long_answer(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(("word " * 20,) * 500)) as (model, _):
            assert len(words(await reply(model))) == 5 * 20 * 500

    run(main())


# ------------------------------------------------------------------ leaving it


@each
@pytest.mark.parametrize("count", range(5))
def test_a_reply_can_be_left_after_any_delta(name: str, count: int) -> None:
    async def main() -> None:
        parts = tuple(f"word{n} " for n in range(6))
        async with served(name, Answers(parts, gap_s=0.001, stalls_at=11), Answers()) as (model, server):
            deltas = model.reply(HELLO, TOOLS)
            if count == 0:
                first = asyncio.ensure_future(anext(deltas))
                while not server.open:
                    await asyncio.sleep(0.001)
                first.cancel()
                await asyncio.wait([first])
            else:
                assert len([text async for text in _texts(deltas, count)]) == count
            await deltas.aclose()
            await server.nobody_is_served()
            assert server.left == 1  # the vendor saw us go
            assert words(await reply(model)) == "Good morning."

    run(main())


@each
def test_one_who_leaves_finds_a_warm_connection(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(stalls_at=8, gap_s=0.001), Answers()) as (model, server):
            deltas = model.reply(HELLO, TOOLS)
            await anext(deltas)
            await deltas.aclose()
            async with asyncio.timeout(5):
                while not server.warmed:
                    await asyncio.sleep(0.001)

    run(main())


@each
def test_connections_are_kept_and_opened_beforehand(name: str) -> None:
    """Also where the body's end comes late."""

    async def main() -> None:
        async with served(name, Answers(gap_s=0.002)) as (model, server):
            await model.warm()
            for _ in range(3):
                await reply(model)
            assert len(server.connections) == 1
            assert server.warmed == 1

    run(main())


@each
def test_one_of_several_is_warmed_too(name: str) -> None:
    async def main() -> None:
        async with served(name) as (model, server):
            members = [Member(name, model, CircuitBreaker(failures_max=3, rest_s=1))]
            await FallbackLanguageModel(Pool[LanguageModel](members), NO_LIMITS).warm()
            assert server.warmed == 1

    run(main())


@each
def test_many_at_once_do_not_mix(name: str) -> None:
    async def main() -> None:
        acts = [Answers((f"Answer {n}",), gap_s=0.001) for n in range(50)]
        async with served(name, *acts) as (model, server):
            answers = await asyncio.gather(*(reply(model) for _ in range(50)))
            assert {words(answer) for answer in answers} == {f"Answer {n}" for n in range(50)}
            await server.nobody_is_served()
            assert server.left == 0

    run(main())


# ------------------------------------------------------------------ what goes wrong


async def _fails(model: StreamedModel) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await reply(model)
    text = str(caught.value)
    assert "\n" not in text
    assert KEY not in text
    return caught.value


@each
@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_what_may_pass_is_tried_again(name: str, status: int) -> None:
    async def main() -> None:
        busy = Refuses(status, headers={"Retry-After": "0.01"})
        async with served(name, busy, Answers()) as (model, server):
            assert words(await reply(model)) == "Good morning."
            assert len(server.bodies) == 2

    run(main())


@each
def test_busy_for_ever_ends_in_one_line(name: str) -> None:
    async def main() -> None:
        async with served(name, Refuses(429, "Slow\ndown,  please.")) as (model, server):
            error = await _fails(model)
            assert error.retryable
            assert "answered 429: Slow down, please." in str(error)
            assert 1 < len(server.bodies) < 10

    run(main())


@each
def test_a_wrong_key_is_said_once_and_never_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "sk-somebody-else-s"

    async def main() -> None:
        async with served(name) as (model, _):
            error = await _fails(model)
            assert not error.retryable
            assert "answered 401: Incorrect API key provided" in str(error)
            assert wrong not in str(error)

    monkeypatch.setenv(KEY_ENV, wrong)
    with caplog.at_level(logging.DEBUG):
        run(main())
    assert wrong not in caplog.text


@each
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_broken_connection_is_told(name: str, at: int) -> None:
    async def main() -> None:
        async with served(name, Answers(drops_at=at, gap_s=0.001)) as (model, _):
            error = await _fails(model)
            assert error.retryable
            assert "broke off" in str(error)

    run(main())


@each
def test_an_answer_that_just_ends_is_no_whole_answer(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(ends_at=2)) as (model, _):
            assert "broke off in the middle" in str(await _fails(model))

    run(main())


@each
@pytest.mark.parametrize(
    "junk",
    ["{no json", '"a text"', "[]", "{}x", '{"type": 7', '{"choices": 7, "candidates": 7}', "9" * 5000],
)
def test_malformed_frames(name: str, junk: str) -> None:
    async def main() -> None:
        async with served(name, Answers(junk_at=2, junk=junk)) as (model, _):
            error = await _fails(model)
            assert error.retryable
            assert "cannot understand its answer" in str(error)

    run(main())


@each
def test_a_failure_in_the_middle_is_told(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(fails_at=2)) as (model, _):
            assert (await _fails(model)).retryable

    run(main())


@each
@pytest.mark.parametrize("arguments", [('{"day": "Tue',), ("[1]",), ("Tuesday",)])
def test_a_tool_is_not_called_with_half_its_arguments(name: str, arguments: tuple[str, ...]) -> None:
    async def main() -> None:
        async with served(name, Answers(("Yes. ", Calls("c", "book", arguments)))) as (model, _):
            got: list[ReplyDelta] = []

            async def take() -> None:
                async for delta in model.reply(HELLO, TOOLS):
                    got.append(delta)  # noqa: PERF401 - what came before it failed

            with pytest.raises(ProviderError) as caught:
                await take()
            assert caught.value.retryable
            assert calls(got) == []

    run(main())


@each
@pytest.mark.parametrize("ending", ["cut", "filtered"])
def test_what_came_of_a_shortened_answer_is_kept(name: str, ending: str) -> None:
    async def main() -> None:
        async with served(name, Answers(("We are",), ending=ending), Answers((), ending=ending)) as (
            model,
            _,
        ):
            assert words(await reply(model)) == "We are"
            error = await _fails(model)
            assert not error.retryable
            assert "no answer: the" in str(error)

    run(main())


@each
def test_silence_is_an_error_only_while_an_answer_is_owed(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(())) as (model, _):
            error = await _fails(model)
            assert error.retryable
            assert "an empty answer" in str(error)
            call = ToolCall("a", "hangup", {})
            done = Message(Role.TOOL, "done", tool_call_id="a")
            assert (
                words(await reply(model, [*HELLO, Message(Role.AGENT, "Bye.", False, (call,)), done])) == ""
            )

    run(main())


@each
def test_a_vendor_that_stalls_is_left(name: str) -> None:
    """The limit is the pool's; what matters here is that nothing stays open."""

    async def main() -> None:
        async with served(name, Answers(stalls_at=0)) as (model, server):
            stream = watched(model.reply(HELLO, TOOLS), StallLimits(first_s=0.05))
            with pytest.raises(ProviderError, match="nothing came"):
                await anext(stream)
            await server.nobody_is_served()
            assert server.left == 1

    run(main())


@each
def test_a_slow_start_is_waited_for(name: str) -> None:
    async def main() -> None:
        async with served(name, Answers(gap_s=0.01)) as (model, _):
            assert words(await reply(model)) == "Good morning."

    run(main())


@each
def test_nobody_there(name: str) -> None:
    async def main() -> None:
        async with served(name, base_url="http://127.0.0.1:1") as (model, server):
            await model.warm()
            error = await _fails(model)
            assert error.retryable
            assert "cannot be reached" in str(error)
            assert server.bodies == []

    run(main())
