"""Gemini Live: what its protocol has that others have not. The client of `google-genai` reads the fake."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
import websockets
from google import genai
from google.genai import live, types
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.gemini_live import GeminiLiveOptions, _configuration
from ari_bridge.providers.speech.gemini_live_dialect import GeminiLiveDialect
from tests.providers.any_json import any_json
from tests.providers.fakes.gemini_live import GeminiConnection
from tests.providers.fakes.speech_server import Brain, Call
from tests.providers.speech_bench import GEMINI, LOOK_UP, bench, called

ASK = b.Ask("Say exactly the following, and nothing else: one two three")
OPENING = b.Opening(8000, "en-GB", "Be kind.", (), (LOOK_UP,), "c1", "+4930", "100")
SOUND = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(bytes(960)).decode()}}
pytestmark = pytest.mark.usefixtures("nothing_left")


def dialect(**options: Any) -> GeminiLiveDialect:
    return GeminiLiveDialect(OPENING, _configuration(GeminiLiveOptions(**options)))


def content(d: GeminiLiveDialect, **fields: Any) -> list[b.SpeechEvent]:
    return list(d.message({"serverContent": fields}))


def speaks(d: GeminiLiveDialect) -> list[b.SpeechEvent]:
    return content(d, modelTurn={"parts": [SOUND]})


def texts(events: list[b.SpeechEvent]) -> list[tuple[str, str, bool]]:
    return [(event.item, event.text, event.final) for event in events if isinstance(event, b.CallerText)]


# ------------------------------------------------------------------ turns, which have no names


def test_the_callers_turn_is_over_when_the_model_begins() -> None:
    d = dialect()
    assert texts(content(d, inputTranscription={"text": "where is"})) == [("caller 1", "where is", False)]
    assert texts(content(d, inputTranscription={"text": " my order"})) == [
        ("caller 1", "where is my order", False)
    ]
    events = speaks(d)
    assert texts(events) == [("caller 1", "where is my order", True)]
    assert [type(event) for event in events] == [b.CallerText, b.CallerStopped, b.AgentAudio]


def test_words_that_come_while_the_model_speaks_belong_to_the_turn_before() -> None:
    d = dialect()
    content(d, inputTranscription={"text": "where is my"})
    speaks(d)
    assert content(d, inputTranscription={"text": " order"}) == []
    events = content(d, generationComplete=True)
    assert texts(events) == [("caller 1", "where is my order", True)]
    assert isinstance(events[-1], b.AgentDone)


def test_unless_they_interrupted_it() -> None:
    d = dialect()
    content(d, inputTranscription={"text": "where is my order"})
    speaks(d)
    content(d, inputTranscription={"text": "no, stop"})
    events = content(d, interrupted=True)
    assert isinstance(events[0], b.CallerBegan)
    assert texts(events) == [("caller 2", "no, stop", False)]
    content(d, turnComplete=True)
    assert texts(speaks(d)) == [("caller 2", "no, stop", True)]


def test_the_models_words_may_come_before_and_after_its_audio() -> None:
    d = dialect()
    d.signal(ASK)
    assert content(d, outputTranscription={"text": "Hel"}) == [b.AgentText("answer 1", "Hel")]
    (audio,) = speaks(d)
    assert isinstance(audio, b.AgentAudio)
    assert audio.item == "answer 1"
    content(d, generationComplete=True, turnComplete=True)
    assert content(d, outputTranscription={"text": "lo"}) == [b.AgentText("answer 1", "lo")]


def test_a_tool_call_that_is_cancelled_is_told() -> None:
    d = dialect()
    call = {"id": "c1", "name": "look_up", "args": {"order": "7"}}
    assert list(d.message({"toolCall": {"functionCalls": [call]}})) == [
        ToolCall("c1", "look_up", {"order": "7"})
    ]
    assert list(d.message({"toolCallCancellation": {"ids": ["c1"]}})) == [b.ToolCancelled("c1")]


def test_the_callers_audio_goes_at_the_calls_own_rate() -> None:
    (message,) = dialect().signal(b.CallerAudio(np.zeros(160, np.int16)))
    audio = message["realtimeInput"]["audio"]
    assert audio["mimeType"] == "audio/pcm;rate=8000"
    assert len(base64.b64decode(audio["data"])) == 320


def test_the_setup_is_what_the_settings_say() -> None:
    (message,) = dialect(
        voice="Puck", end_sensitivity="low", silence_duration_ms=300, temperature=0.5
    ).begin()
    setup = types.LiveClientSetup.model_validate(without_input_config(message)["setup"])
    assert setup.model == "models/gemini-2.5-flash-native-audio-preview-12-2025"
    detection = message["setup"]["realtimeInputConfig"]["automaticActivityDetection"]
    assert types.AutomaticActivityDetection.model_validate(detection).silence_duration_ms == 300
    assert detection["endOfSpeechSensitivity"] == types.EndSensitivity.END_SENSITIVITY_LOW.value
    voice = message["setup"]["generationConfig"]["speechConfig"]["voiceConfig"]
    assert voice == {"prebuiltVoiceConfig": {"voiceName": "Puck"}}


# ------------------------------------------------------------------ one session, several connections


def without_input_config(message: Any) -> Any:
    """The package's type of the setup lacks the field that its own client sends."""
    setup = {key: value for key, value in message.get("setup", {}).items() if key != "realtimeInputConfig"}
    return {"setup": setup} if setup else message


def connection_of(it: Any) -> GeminiConnection:
    connection = it.server.last
    assert isinstance(connection, GeminiConnection)
    return connection


@pytest.mark.parametrize("how", ["goes away", "drops", "closes"])
def test_the_session_goes_on_over_another_connection(how: str, run: Any) -> None:
    async def main() -> None:
        async with bench(GEMINI) as it, it.talk() as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            await asyncio.sleep(0.05)  # the handle comes after the turn
            match how:
                case "goes away":
                    await connection_of(it).go_away()
                case "drops":
                    connection_of(it).drop()
                case "closes":
                    await connection_of(it).close()
            async with asyncio.timeout(3):
                while len(it.server.connections) < 2:
                    await asyncio.sleep(0.01)
            await talk.session.send(ASK)
            await talk.until(talk.done(2))
            assert talk.failure is None
            assert connection_of(it).setup["sessionResumption"] == {"handle": "handle-1"}
            assert it.server.open <= 2
        await it.left()

    run(main())


def test_it_leaves_only_when_nothing_is_under_way(run: Any) -> None:
    async def main() -> None:
        async with bench(GEMINI) as it, it.talk() as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            await asyncio.sleep(0.05)
            await talk.session.send(ASK)
            await talk.until(lambda talk: talk.of(b.AgentAudio)[-1].item == "answer 2")
            await connection_of(it).go_away()
            await talk.until(talk.done(2))
            assert len(talk.audio("answer 2")) / 8000 == pytest.approx(0.9, abs=0.01), "heard whole"

    run(main())


@given(
    any_json,
    st.sampled_from(
        [
            "serverContent",
            "toolCall",
            "toolCallCancellation",
            "usageMetadata",
            "sessionResumptionUpdate",
            "goAway",
        ]
    ),
    st.sampled_from(
        ["modelTurn", "inputTranscription", "functionCalls", "ids", "newHandle", "promptTokenCount"]
    ),
)
def test_whatever_comes_is_an_event_or_a_provider_error(value: Any, kind: str, field: str) -> None:
    for message in ({kind: value}, {kind: {field: value}}):
        try:
            dialect().message(message)
        except ProviderError:
            continue


# ------------------------------------------------------------------ held against the vendor's own client


def test_what_we_send_is_of_the_published_types(run: Any) -> None:
    async def main() -> None:
        brain = Brain(
            answer=lambda said: ["Done."] if said.startswith("[") else [Call("look_up", {"order": "7"})]
        )
        async with bench(GEMINI, brain) as it, it.talk() as talk:
            await talk.say()
            await talk.until(called)
            await talk.session.send(b.ToolResult(talk.of(ToolCall)[0].call_id, "found"))
            await talk.session.send(b.CallerEntry("1"))
            await talk.until(talk.done(2))
            for message in it.server.last.received:
                types.LiveClientMessage.model_validate(without_input_config(message))
            for message in it.server.last.sent:
                types.LiveServerMessage.model_validate(message)

    run(main())


def test_the_vendors_own_client_talks_to_the_fake(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_tls(uri: str, *, additional_headers: dict[str, str], **tls: Any) -> Any:
        return websockets.connect(uri.replace("wss://", "ws://"), additional_headers=additional_headers)

    monkeypatch.setattr(live, "ws_connect", without_tls)

    async def main() -> None:
        async with asyncio.timeout(5), GEMINI.server(Brain()).running() as fake:
            options = types.HttpOptions(base_url=fake.base_url, api_version="v1beta")
            client = genai.Client(api_key="x", http_options=options)
            async with client.aio.live.connect(
                model="gemini-live", config={"response_modalities": ["AUDIO"]}
            ) as session:
                await session.send_realtime_input(text="[instruction] nothing else: Hello there.")
                said, audio = "", 0
                async for message in session.receive():
                    found = message.server_content
                    if found is None:
                        continue
                    if found.output_transcription is not None:
                        said += found.output_transcription.text or ""
                    for part in found.model_turn.parts or [] if found.model_turn else []:
                        audio += len(part.inline_data.data or b"") if part.inline_data else 0
                assert said.strip() == "Hello there."
                assert audio / 2 / 24000 == pytest.approx(0.6)

    run(main())
