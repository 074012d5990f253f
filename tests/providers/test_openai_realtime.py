"""OpenAI Realtime: what its protocol has that others have not. The fake and our client are both held against
the types of the `openai` package."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.openai_realtime import OpenAiRealtimeOptions, _configuration
from ari_bridge.providers.speech.openai_realtime_dialect import OpenAiRealtimeDialect
from tests.providers.any_json import any_json
from tests.providers.fakes.openai_realtime import OpenAiConnection
from tests.providers.fakes.speech_server import Brain, Call, Fails
from tests.providers.speech_bench import LOOK_UP, OPENAI, Bench, bench, called

ASK = b.Ask("Say exactly the following, and nothing else: one two three four five six seven eight")
OPENING = b.Opening(8000, "en-GB", "Be kind.", (), (LOOK_UP,), "c1", "+4930", "100")
pytestmark = pytest.mark.usefixtures("nothing_left")


def server_of(it: Bench) -> OpenAiConnection:
    connection = it.server.last
    assert isinstance(connection, OpenAiConnection)
    return connection


def dialect(**options: Any) -> OpenAiRealtimeDialect:
    return OpenAiRealtimeDialect(OPENING, _configuration(OpenAiRealtimeOptions(**options)))


# ------------------------------------------------------------------ truncation


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_an_item_is_truncated_at_the_heard_sample(rate_hz: int, run: Any) -> None:
    async def main() -> None:
        async with bench(OPENAI) as it, it.talk(rate_hz=rate_hz) as talk:
            await talk.session.send(ASK)
            await talk.until(lambda talk: len(talk.of(b.AgentAudio)) >= 4)
            item = talk.of(b.AgentAudio)[0].item
            await talk.session.send(b.Cut(item, rate_hz * 500 // 1000 + 7))
            await talk.until(talk.done(1))
            async with asyncio.timeout(2):
                while not server_of(it).truncated:
                    await asyncio.sleep(0.01)
            assert server_of(it).truncated == [(item, 500)]
            assert [m["type"] for m in server_of(it).received][-2:] == [
                "response.cancel",
                "conversation.item.truncate",
            ]
            errors = [m for m in server_of(it).sent if m["type"] == "error"]
            assert errors == []

    run(main())


def test_more_than_there_is_is_never_truncated(run: Any) -> None:
    """The call heard the resampler's tail: a sample more than the server has made."""

    async def main() -> None:
        async with bench(OPENAI) as it, it.talk() as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            await talk.session.send(b.Cut(talk.last_item, 10**9))
            async with asyncio.timeout(2):
                while not server_of(it).truncated:
                    await asyncio.sleep(0.01)
            assert server_of(it).truncated == [(talk.last_item, 2400)]

    run(main())


# ------------------------------------------------------------------ responses, one at a time


def types(messages: Any) -> list[str]:
    return [message["type"] for message in messages]


def created(dialect: OpenAiRealtimeDialect, response_id: str = "r1") -> None:
    dialect.message({"type": "response.created", "response": {"id": response_id}})


def done(dialect: OpenAiRealtimeDialect, **response: Any) -> None:
    dialect.message({"type": "response.done", "response": {"id": "r1", "status": "completed", **response}})


def test_a_response_is_asked_for_when_the_one_before_is_done() -> None:
    d = dialect()
    created(d)
    assert d.signal(b.Ask("greet")) == []
    done(d)
    (create,) = d.owed()
    assert isinstance(create, dict)
    assert create["response"] == {"instructions": "Be kind.\n\ngreet"}
    assert d.signal(b.Ask("again")) == [], "it has not begun, but it will"


def test_the_callers_turn_takes_the_place_of_what_was_to_be_asked_for() -> None:
    d = dialect()
    created(d)
    d.signal(b.Ask("greet"))
    d.message({"type": "input_audio_buffer.speech_started", "item_id": "i1", "audio_start_ms": 0})
    done(d, status="cancelled")
    assert list(d.owed()) == []


def test_several_tools_are_answered_by_one_response() -> None:
    d = dialect()
    created(d)
    for call_id in ("a", "b"):
        function = {"type": "function_call", "call_id": call_id, "name": "look_up", "arguments": "{}"}
        d.message(
            {"type": "response.output_item.done", "item": {"id": "i", "status": "completed", **function}}
        )
    done(d)
    assert types(d.signal(b.ToolResult("a", "1"))) == ["conversation.item.create"]
    assert types(d.signal(b.ToolResult("b", "2"))) == ["conversation.item.create", "response.create"]


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"x"'])
def test_arguments_that_are_none_are_answered_at_once(arguments: str) -> None:
    d = dialect()
    function = {"type": "function_call", "call_id": "a", "name": "look_up", "arguments": arguments}
    event = {"type": "response.output_item.done", "item": {"id": "i", "status": "completed", **function}}
    assert list(d.message(event)) == []
    assert types(d.owed()) == ["conversation.item.create", "response.create"]


def test_a_call_that_was_interrupted_is_none() -> None:
    function = {"type": "function_call", "call_id": "a", "name": "look_up", "arguments": '{"or'}
    event = {"type": "response.output_item.done", "item": {"id": "i", "status": "incomplete", **function}}
    assert list(dialect().message(event)) == []


def test_a_response_that_fails_is_tried_again_and_the_caller_answered(run: Any) -> None:
    answers = [[Fails("rate_limit_exceeded")], [Fails("server_error")], ["Here I am."]]

    async def main() -> None:
        brain = Brain(answer=lambda said: answers.pop(0))
        async with bench(OPENAI, brain) as it, it.talk() as talk:
            await talk.say()
            await talk.until(talk.done(1))
            assert talk.text(talk.last_item) == "Here I am."

    run(main())


def test_responses_that_go_on_failing_are_an_error() -> None:
    d = dialect()
    failed = {
        "status": "failed",
        "status_details": {"error": {"code": "server_error", "message": "sorry\nus"}},
    }
    for _ in range(2):
        done(d, **failed)
        assert len(d.owed()) == 1
    with pytest.raises(ProviderError, match="sorry us") as error:
        done(d, **failed)
    assert error.value.retryable


def test_an_account_without_money_is_not_tried_again() -> None:
    with pytest.raises(ProviderError) as error:
        done(dialect(), status="failed", status_details={"error": {"code": "insufficient_quota"}})
    assert not error.value.retryable


# ------------------------------------------------------------------ errors


def test_a_session_that_is_refused_says_why(run: Any) -> None:
    async def main() -> None:
        async with bench(OPENAI, voice="nobody") as it, it.talk() as talk:
            await talk.until(lambda talk: talk.over)
            assert str(talk.failure) == "openai-realtime: refused the session: no such voice: nobody"
            assert talk.failure is not None
            assert not talk.failure.retryable

    run(main())


def test_after_an_hour_the_session_ends_and_another_may_begin() -> None:
    error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes are over"}
    with pytest.raises(ProviderError, match="60 minutes are over") as raised:
        dialect().message({"type": "error", "error": error})
    assert raised.value.retryable


def test_an_error_about_one_event_ends_nothing() -> None:
    d = dialect()
    d.signal(ASK)
    error = {"type": "invalid_request_error", "code": "odd", "message": "odd", "event_id": "request"}
    assert list(d.message({"type": "error", "error": error})) == []
    assert types(d.signal(ASK)) == ["response.create"], "the next request is not kept waiting"


@given(
    any_json,
    st.sampled_from(
        [
            "response.output_audio.delta",
            "response.output_audio_transcript.delta",
            "response.output_item.done",
            "response.created",
            "response.done",
            "error",
            "input_audio_buffer.speech_started",
            "conversation.item.input_audio_transcription.completed",
        ]
    ),
    st.sampled_from(["item_id", "item", "response", "error", "delta", "transcript"]),
)
def test_whatever_comes_is_an_event_or_a_provider_error(value: Any, kind: str, field: str) -> None:
    with suppress(ProviderError):
        dialect().message({"type": kind, field: value})


def test_a_count_that_is_no_number_is_a_provider_error() -> None:
    response = {"status": "completed", "usage": {"input_tokens": "many"}}
    with pytest.raises(ProviderError, match=r"response\.done without what belongs to it"):
        dialect().message({"type": "response.done", "response": response})


# ------------------------------------------------------------------ configuration


def test_a_call_at_8_khz_is_sent_as_it_is() -> None:
    (update,) = dialect().begin()
    audio = update["session"]["audio"]
    assert audio["input"]["format"] == audio["output"]["format"] == {"type": "audio/pcmu"}
    assert audio["input"]["transcription"]["language"] == "en"
    (append,) = dialect().signal(b.CallerAudio(np.zeros(160, np.int16)))
    assert base64.b64decode(append["audio"]) == b"\xff" * 160


def test_other_calls_and_other_servers_get_pcm() -> None:
    wide = OpenAiRealtimeDialect(
        replace(OPENING, rate_hz=16000), _configuration(OpenAiRealtimeOptions(audio="auto"))
    )
    for d in (wide, dialect(audio="pcm")):
        (update,) = d.begin()
        assert update["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    (append,) = wide.signal(b.CallerAudio(np.zeros(320, np.int16)))
    assert len(base64.b64decode(append["audio"])) == 480 * 2


def test_turn_detection_is_what_the_settings_say() -> None:
    (update,) = dialect(turn_detection="semantic_vad", eagerness="low").begin()
    turns = update["session"]["audio"]["input"]["turn_detection"]
    assert turns == {
        "type": "semantic_vad",
        "eagerness": "low",
        "create_response": True,
        "interrupt_response": True,
    }
    (update,) = dialect(silence_duration_ms=300).begin()
    turns = update["session"]["audio"]["input"]["turn_detection"]
    assert (turns["type"], turns["silence_duration_ms"], "threshold" in turns) == ("server_vad", 300, False)


@pytest.mark.parametrize(
    ("pace", "speed"), [(0.75, 0.75), (1.0, 1.0), (3.0, 1.5), (0.1, 0.25)], ids=lambda value: str(value)
)
def test_the_pace_is_within_the_vendors_range(pace: float, speed: float) -> None:
    (update,) = dialect().signal(b.Pace(pace))
    assert update["session"]["audio"]["output"]["speed"] == speed


# ------------------------------------------------------------------ held against the vendor's own types


def test_every_message_of_both_sides_is_of_the_published_types(run: Any) -> None:
    """A call with everything in it: history, tools, keys, an interruption, an error."""
    client: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
    server: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    history = (
        Message(Role.CALLER, "hello"),
        Message(Role.AGENT, "one moment", tool_calls=(ToolCall("t", "look_up", {}),)),
        Message(Role.TOOL, "done", tool_call_id="t"),
    )

    async def main() -> None:
        def answer(said: str) -> list[str | Call]:
            return ["It is there."] if said.startswith("[") else ["I look.", Call("look_up", {"order": "7"})]

        async with bench(OPENAI, Brain(answer=answer)) as it, it.talk(history=history) as talk:
            await talk.say()
            await talk.until(called)
            await talk.session.send(b.ToolResult(talk.of(ToolCall)[0].call_id, "found"))
            await talk.until(talk.done(2))
            await talk.session.send(b.CallerEntry("1"))
            await talk.session.send(b.Pace(0.8))
            await talk.until(talk.done(3))
            await talk.session.send(ASK)
            await talk.until(lambda talk: talk.events[-1:] and isinstance(talk.events[-1], b.AgentAudio))
            await talk.session.send(b.Cut(talk.of(b.AgentAudio)[-1].item, 100))
            await talk.session.send(b.Cut("nothing", 100))
            await talk.until(talk.done(4))
            connection = server_of(it)
            assert len({message["type"] for message in connection.received}) >= 5
            assert len({message["type"] for message in connection.sent}) >= 15
            for message in connection.received:
                assert type(client.validate_python(message)).__name__ != "dict"
            for message in connection.sent:
                server.validate_python(message)

    run(main())


def test_the_vendors_own_client_talks_to_the_fake(run: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(5), OPENAI.server(Brain()).running() as fake:
            sdk = openai.AsyncOpenAI(api_key="x", base_url=f"{fake.base_url}/v1")
            async with sdk, sdk.realtime.connect(model="gpt-realtime-2.1") as connection:
                await connection.session.update(session={"type": "realtime", "instructions": "Be kind."})
                await connection.response.create(response={"instructions": "nothing else: Hello there."})
                said, audio = "", 0
                async for event in connection:
                    if event.type == "response.output_audio_transcript.delta":
                        said += event.delta
                    elif event.type == "response.output_audio.delta":
                        audio += len(base64.b64decode(event.delta))
                    elif event.type == "response.done":
                        assert event.response.status == "completed"
                        break
                assert said == "Hello there."
                assert audio / 2 / 24000 == pytest.approx(0.6)

    run(main())
