"""What every speech-to-speech engine keeps to, against a fake server of its vendor."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.providers.base import Kind
from ari_bridge.providers.registry import all_providers, build
from ari_bridge.providers.speech import base as b
from tests.providers.fakes.speech_server import Brain, Call
from tests.providers.speech_bench import VENDORS, Bench, Talk, Vendor, bench, called

ASK = b.Ask("Say exactly the following, and nothing else: Hello to you all.")
HISTORY = (
    Message(Role.AGENT, "Hello there."),
    Message(Role.CALLER, "Where is my order?"),
    Message(Role.AGENT, "", tool_calls=(ToolCall("t1", "look_up", {"order": "7"}),)),
    Message(Role.TOOL, "It is on its way.", tool_call_id="t1"),
    Message(Role.AGENT, "It is", interrupted=True),
)
pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Any:
    return request.param


def heard_all(talk: Talk) -> bool:
    return bool(talk.of(b.AgentDone)) and any(event.final for event in talk.of(b.CallerText))


def test_every_engine_has_a_bench() -> None:
    speech = {name for name, provider in all_providers().items() if provider.kind is Kind.SPEECH}
    models = speech - {"twilio-media-streams"}  # bots have their own
    assert models == {vendor.name for vendor in VENDORS}


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_it_says_what_it_is_asked_to(vendor: Vendor, rate_hz: int, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk(rate_hz=rate_hz) as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            audio = talk.audio(talk.last_item)
            assert talk.text(talk.last_item).strip() == "Hello to you all."
            assert len(audio) / rate_hz == pytest.approx(1.2, abs=0.01)
            strongest = np.argmax(np.abs(np.fft.rfft(audio.astype(float)))) * rate_hz / len(audio)
            assert strongest == pytest.approx(440, abs=3), "at the right speed"

    run(main())


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_it_hears_the_caller_and_answers(vendor: Vendor, rate_hz: int, run: Any) -> None:
    async def main() -> None:
        brain = Brain(texts=("what about my order",))
        async with bench(vendor, brain) as it:
            async with it.talk(rate_hz=rate_hz) as talk:
                await talk.say(0.6, 0.7)
                await talk.until(heard_all)
                assert it.server.last.audio_ms == pytest.approx(1300, abs=30), "all of the audio, once"
                (said,) = [event.text for event in talk.of(b.CallerText) if event.final]
                assert said.strip() == "what about my order"
                assert talk.text(talk.last_item).strip().startswith("You said what about my order")
                kinds = [type(event) for event in talk.events]
                assert kinds.index(b.CallerStopped) < kinds.index(b.AgentAudio)
            await it.left()
            assert sum(usage.input_tokens for usage in it.usage) >= 100
            assert {usage.service.split()[0] for usage in it.usage} <= {"openai", "google"}

    run(main())


def test_the_caller_interrupts(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        brain = Brain(asked=lambda _: ["one two three four five " * 10], texts=("stop",))
        async with bench(vendor, brain) as it, it.talk() as talk:
            await talk.session.send(ASK)
            await talk.until(lambda talk: len(talk.of(b.AgentAudio)) >= 3)
            await talk.say(0.4, 0.0)
            await talk.until(lambda talk: bool(talk.of(b.CallerBegan)))
            before = len(talk.of(b.AgentAudio))
            await asyncio.sleep(0.1)
            assert len(talk.of(b.AgentAudio)) <= before + 1, "the server has stopped"
            await talk.session.send(b.CallerAudio(np.zeros(8000, np.int16)))
            await talk.until(
                lambda talk: "stop" in talk.text(talk.last_item) if talk.of(b.AgentDone) else False
            )

    run(main())


def test_tools_are_called_and_answered(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        def answer(said: str) -> list[str | Call]:
            return [said] if said.startswith("[result") else ["Let me see.", Call("look_up", {"order": "7"})]

        async with bench(vendor, Brain(answer=answer)) as it, it.talk() as talk:
            await talk.say()
            await talk.until(called)
            (call,) = talk.of(ToolCall)
            assert (call.name, call.arguments) == ("look_up", {"order": "7"})
            await talk.session.send(b.ToolResult(call.call_id, "on its way"))
            await talk.until(lambda talk: "[result on its way]" in talk.text(talk.last_item))

    run(main())


def test_a_result_that_ends_the_call_asks_for_no_answer(run: Any) -> None:
    async def main() -> None:
        brain = Brain(answer=lambda said: ["Goodbye.", Call("look_up", {"order": "7"})])
        async with bench(VENDORS[0], brain) as it, it.talk() as talk:
            await talk.say()
            await talk.until(called)
            (call,) = talk.of(ToolCall)
            await talk.session.send(b.ToolResult(call.call_id, "done", answer_wanted=False))
            await asyncio.sleep(0.1)
            assert [m["type"] for m in it.server.last.received][-1] == "conversation.item.create"

    run(main())


def test_keys_are_told_as_an_entry(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk() as talk:
            await talk.session.send(b.CallerDigit("4"))
            await talk.session.send(b.CallerDigit("2"))
            await talk.session.send(b.CallerEntry("42"))
            await talk.until(talk.done(1))
            assert "[digits 42]" in talk.text(talk.last_item)

    run(main())


def test_a_session_knows_what_was_before(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk(history=HISTORY) as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            told = json.dumps(it.server.last.received)
            places = [
                told.index(text) for text in ("Hello there.", "Where is my order?", "It is on its way.")
            ]
            assert places == sorted(places)
            assert "Be kind." in told
            assert "look_up" in told

    run(main())


# ------------------------------------------------------------------ cancelling, and what is left


@pytest.mark.parametrize("after_events", [0, 1, 2, 3, 5, 8])
def test_it_can_be_left_at_every_point(vendor: Vendor, after_events: int, run: Any) -> None:
    async def main() -> None:
        brain = Brain(answer=lambda said: ["one two three", Call("look_up", {"order": "7"}), "four five"])
        async with bench(vendor, brain) as it:
            async with it.talk() as talk:
                await talk.say()
                await talk.until(lambda talk: len(talk.events) >= after_events)
            await it.left()

    run(main())


def test_it_can_be_cancelled_while_it_connects(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it:
            it.server.faults.slow_start_s = 0.2

            async def connect() -> None:
                async with it.talk():
                    await asyncio.sleep(60)

            for after_s in (0.0, 0.002, 0.02):
                connecting = asyncio.create_task(connect())
                await asyncio.sleep(after_s)
                connecting.cancel()
                await asyncio.wait([connecting])
            await it.left()

    run(main())


def test_a_slow_start_is_waited_for(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it:
            it.server.faults.slow_start_s = 0.3
            async with it.talk() as talk:
                await talk.session.send(ASK)
                await talk.until(talk.done(1))

    run(main())


def test_a_silent_server_is_left_at_once(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it:
            it.server.faults.mute = True
            async with it.talk() as talk:
                await talk.say()
                await talk.session.send(ASK)
                await asyncio.sleep(0.05)
                assert talk.events == []
            await asyncio.wait_for(it.left(), 1.0)

    run(main())


def test_fifty_calls_at_once_do_not_mix(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        brain = Brain(asked=lambda instruction: [instruction.rpartition(": ")[2]])
        async with bench(vendor, brain) as it:

            async def one(number: int) -> None:
                async with it.talk() as talk:
                    await talk.session.send(b.Ask(f"say: number {number}"))
                    await talk.until(talk.done(1), 20.0)
                    assert talk.text(talk.last_item).strip() == f"number {number}"

            await asyncio.gather(*(one(number) for number in range(50)))
            await it.left()

    run(main())


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refused_connection_is_tried_again(vendor: Vendor, status: int, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it:
            it.server.faults.refuse = [status, status]
            async with it.talk() as talk:
                await talk.session.send(ASK)
                await talk.until(talk.done(1))

    run(main())


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (429, True), (500, True)])
def test_a_server_that_goes_on_refusing_is_told(
    vendor: Vendor, status: int, retryable: bool, run: Any, tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "key").write_text("sk-very-secret\n")

    async def main() -> None:
        async with bench(vendor, api_key_file=tmp_path / "key") as it:
            it.server.faults.refuse = [status] * 5
            with pytest.raises(ProviderError, match=rf"{vendor.name}: answered {status}") as error:
                async with it.talk():
                    pass
            assert error.value.retryable is retryable
            assert "secret" not in str(error.value)

    run(main())
    assert "secret" not in caplog.text


def test_the_key_goes_in_a_header(vendor: Vendor, run: Any, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-very-secret\n")

    async def main() -> None:
        async with bench(vendor, api_key_file=tmp_path / "key") as it, it.talk() as talk:
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            request = it.server.last.request
            assert "secret" not in str(request.url)
            assert any("sk-very-secret" in value for value in request.headers.values())

    run(main())


def test_a_missing_key_is_one_line_that_names_the_option(vendor: Vendor, monkeypatch: Any) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match=r"^providers\.voice\.api_key_file: there is no key"):
        build(vendor.name, Kind.SPEECH, {}, table="providers.voice")


def test_a_connection_that_breaks_is_told(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk() as talk:
            it.server.faults.drop_at_audio = 2
            await talk.session.send(ASK)
            await talk.until(lambda talk: talk.over)
            assert isinstance(talk.failure, ProviderError)
            assert talk.failure.retryable
            assert len(talk.of(b.AgentAudio)) == 2

    run(main())


@pytest.mark.parametrize("garbage", ["{", "[]", "null", '"text"', "audio"])
def test_nonsense_from_the_server_is_one_error(vendor: Vendor, garbage: str, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk() as talk:
            it.server.faults.garbage_at_audio = json.dumps(vendor.audio) if garbage == "audio" else garbage
            await talk.session.send(ASK)
            await talk.until(lambda talk: talk.over)
            assert isinstance(talk.failure, ProviderError)
            assert "\n" not in str(talk.failure)

    run(main())


def test_messages_of_later_versions_do_no_harm(vendor: Vendor, run: Any) -> None:
    async def main() -> None:
        async with bench(vendor) as it, it.talk() as talk:
            it.server.faults.garbage_at_audio = '{"type": "response.smell.delta", "scent": {"rose": 1}}'
            await talk.session.send(ASK)
            await talk.until(talk.done(1))
            assert talk.failure is None

    run(main())


def cut_at(it: Bench) -> list[tuple[str, int]]:
    return list(it.server.last.truncated)  # type: ignore[attr-defined]
