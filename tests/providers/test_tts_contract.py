"""What every voice must keep, whichever it is: parametrised over the registry.

The vendors' are tried against fakes of them (fakes/), each written from the vendor's published protocol.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Usage, VoiceContext, Warming, warmed
from ari_bridge.providers.registry import all_providers, build
from ari_bridge.providers.vendor.retry import Retry
from tests.providers.fakes.studio import KEY, Fault
from tests.providers.voices import CASES, KEY_ENV, VENDORS, Said, say, say_into, standing, until

SENTENCE = "Good morning to you all, it costs 25 dollars."
WORDS = ["Good", "morning", "to", "you", "all", "it", "costs", "25", "dollars"]
LONG = "This is a long story, and it goes on and on. " * 30

every_voice = pytest.mark.parametrize("name", list(CASES))
every_vendor = pytest.mark.parametrize("name", VENDORS)
every_keyed = pytest.mark.parametrize("name", [name for name in VENDORS if CASES[name].needs_key])
every_timer = pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.words])


@pytest.fixture(autouse=True)
def keyed_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment; second tries at once."""
    monkeypatch.setenv(KEY_ENV, KEY)
    monkeypatch.setattr(Retry.__init__, "__defaults__", (lambda: 0.0,))


def run(work: Coroutine[Any, Any, None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await work

    asyncio.run(main())


def test_every_voice_is_under_this_contract() -> None:
    assert {p.name for p in all_providers().values() if p.kind is Kind.TTS} == set(CASES)


# ------------------------------------------------------------------ sound


@every_voice
def test_a_sentence_sounds_the_same_at_either_rate_of_a_call(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, _):
            narrow, wide = await say(tts, SENTENCE, 8000), await say(tts, SENTENCE, 16000)
            for said, rate_hz in ((narrow, 8000), (wide, 16000)):
                assert len(said.pieces) > 1
                assert all(p.pcm.dtype == np.int16 and p.pcm.ndim == 1 for p in said.pieces)
                assert all(len(p.pcm) <= 0.2 * rate_hz for p in said.pieces)
                assert dbfs(said.pcm) > -35
            assert len(narrow.pcm) / 8000 == pytest.approx(len(wide.pcm) / 16000, rel=0.05)

    run(main())


@every_vendor
def test_no_sample_is_lost_or_shifted_wherever_the_bytes_were_cut(name: str) -> None:
    """The fakes speak a tone: noise in its place would be of samples whose halves were mixed up."""

    async def main() -> None:
        async with standing(name) as (tts, _):
            for rate_hz in (8000, 16000):
                said = await say(tts, SENTENCE, rate_hz)
                assert len(said.pcm) == pytest.approx(10 * 0.06 * rate_hz, rel=0.02)
                spectrum = np.abs(np.fft.rfft(said.pcm.astype(float)))
                near = round(440 * len(said.pcm) / rate_hz)
                tone = np.sum(spectrum[near - 60 : near + 60] ** 2)
                assert tone > 0.97 * np.sum(spectrum**2)

    run(main())


@every_voice
def test_pace_changes_how_long_it_takes(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, _):
            plain = len((await say(tts, SENTENCE)).pcm)
            slow = len((await say(tts, SENTENCE, pace=0.1 if name in VENDORS else 0.5)).pcm)
            assert slow / plain == pytest.approx(1 / CASES[name].slowest, rel=0.12)

    run(main())


# ------------------------------------------------------------------ words


@every_timer
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_words_are_those_of_the_sentence_in_order_and_within_the_audio(name: str, rate_hz: int) -> None:
    async def main() -> None:
        async with standing(name) as (tts, _):
            said = await say(tts, SENTENCE, rate_hz)
            assert [SENTENCE[w.start_char : w.end_char] for w in said.words] == WORDS
            assert all(w.start_sample < w.end_sample for w in said.words)
            assert all(a.end_sample <= b.start_sample for a, b in itertools.pairwise(said.words))
            assert said.words[-1].end_sample <= len(said.pcm)
            assert said.words[-1].end_sample > 0.8 * len(said.pcm)
            sent, told = 0, []
            for piece in said.pieces:
                sent += len(piece.pcm)
                told += [(word, sent) for word in piece.words]
            assert all(word.end_sample <= sent for word, sent in told)

    run(main())


# ------------------------------------------------------------------ text


@every_voice
@pytest.mark.parametrize("text", ["", "   ", "\n", "\0", "...", " — ?! "])
def test_nothing_to_say_costs_nothing(name: str, text: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            said = await say(tts, text)
            assert len(said.pcm) < 0.8 * 8000
            assert said.usage == []
            assert studio.made == []

    run(main())


@every_voice
def test_very_long_text_is_spoken_whole(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            said = await say(tts, LONG)
            if name in VENDORS:
                assert sum(made.words for made in studio.made) == len(LONG.split())
                assert all(len(made.text) <= 1000 for made in studio.made)
                assert sum(usage.characters for usage in said.usage) == pytest.approx(len(LONG), abs=5)
            if CASES[name].words:
                assert [LONG[w.start_char : w.end_char] for w in said.words] == LONG.replace(",", "").replace(
                    ".", ""
                ).split()
                assert all(a.end_sample <= b.start_sample for a, b in itertools.pairwise(said.words))
                assert said.words[-1].end_sample <= len(said.pcm)

    run(main())


@every_voice
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Grüß Gott, schöne Straße!"),
        ("fr", "Ça va très bien aujourd'hui."),
        ("ja", "こんにちは 世界"),
        ("ar", "مرحبا بالعالم"),
        ("en", 'Tom & "Jerry" <b>said</b> 😀 \x07 it\'s <break time="9s"/> fine'),
    ],
)
def test_other_languages_and_odd_characters_are_spoken(name: str, language: str, text: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            said = await say(tts, text, language=language)
            assert dbfs(said.pcm) > -35
            assert all(0 <= w.start_char < w.end_char <= len(text) for w in said.words)
            if name in VENDORS:
                assert [made.text.split() for made in studio.made] == [text.replace("\x07", " ").split()]

    run(main())


# ------------------------------------------------------------------ leaving


@every_voice
@pytest.mark.parametrize("pieces", [0, 1, 2, 5])
def test_it_can_be_stopped_after_any_piece_and_speaks_on(name: str, pieces: int) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            usage: list[Usage] = []
            speaking = tts.speak(LONG, VoiceContext(8000, meter=usage.append))
            for _ in range(pieces):
                await anext(speaking)
            await speaking.aclose()  # type: ignore[attr-defined]
            if name in VENDORS and pieces:
                (made,) = studio.made
                await until(lambda: made.is_over)
                assert not made.is_done
                assert made.words < 180, "the vendor went on speaking"
                assert sum(u.characters for u in usage) == pytest.approx(len(made.text), abs=2)
            whole = await say(tts, "Good morning to you all.")
            assert len(whole.pcm) > 0.25 * 8000

    run(main())


@every_vendor
def test_it_can_be_cancelled_at_any_turn_of_the_loop(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            for turns in (*range(12), 15, 20, 30, 50, 80, 120):
                speaking = asyncio.create_task(say(tts, LONG))
                for _ in range(turns):
                    await asyncio.sleep(0)
                speaking.cancel()
                await asyncio.wait([speaking])
            assert all(made.words < 180 for made in studio.made)
            assert len((await say(tts, SENTENCE)).pcm) > 4000

    run(main())


@every_vendor
def test_a_call_on_hold_keeps_no_vendor_waiting(name: str) -> None:
    """Who plays the audio takes a piece and no more, for long; the answer has come all the same."""

    async def main() -> None:
        async with standing(name, stall_s=0.05) as (tts, studio):
            said = Said()
            async for piece in tts.speak(SENTENCE, VoiceContext(8000)):
                if not said.pieces:
                    await until(lambda: studio.made[0].is_done)
                    await asyncio.sleep(0.1)
                    await say(tts, SENTENCE)
                said.pieces.append(piece)
            assert len(said.pcm) == pytest.approx(10 * 0.06 * 8000, rel=0.02)
            assert studio.connections == 1 or not isinstance(tts, Warming)

    run(main())


@every_vendor
def test_leaving_takes_no_time(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, _):
            speaking = tts.speak(LONG, VoiceContext(8000))
            await anext(speaking)
            turns = 0
            leaving = asyncio.create_task(speaking.aclose())  # type: ignore[attr-defined]
            while not leaving.done():
                turns += 1
                await asyncio.sleep(0)
            assert turns < 10, "a caller's interruption waited for the vendor"

    run(main())


@every_vendor
def test_what_was_asked_for_is_counted_though_nobody_waited_for_it(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            studio.fault = Fault.MUTE
            said = Said()
            speaking = asyncio.create_task(say_into(said, tts, SENTENCE))
            await until(lambda: bool(studio.made))
            speaking.cancel()
            await asyncio.wait([speaking])
            assert [usage.characters for usage in said.usage] == [len(SENTENCE)]
            await until(lambda: studio.made[0].is_over)

    run(main())


# ------------------------------------------------------------------ what goes wrong


@every_vendor
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN])
def test_what_may_pass_is_tried_again(name: str, fault: Fault) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            studio.fault, studio.faults_left = fault, 1
            said = await say(tts, SENTENCE)
            assert len(said.pcm) > 4000
            assert [usage.characters for usage in said.usage] == [len(SENTENCE)]

    run(main())


@every_vendor
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.BROKEN])
def test_what_does_not_pass_is_one_line_and_costs_nothing(name: str, fault: Fault) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            studio.fault = fault
            said = Said()
            with pytest.raises(ProviderError) as caught:
                await say_into(said, tts, SENTENCE)
            assert caught.value.retryable
            assert_plain(caught.value)
            assert said.usage == []
            assert studio.asked == 3

    run(main())


@every_keyed
def test_a_wrong_key_is_told_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, "sk-wrong-key")

    async def main() -> None:
        async with standing(name) as (tts, studio):
            with pytest.raises(ProviderError, match=r"401|1008|key") as caught:
                await say(tts, SENTENCE)
            assert not caught.value.retryable
            assert_plain(caught.value)
            assert studio.made == []

    run(main())


@every_keyed
def test_no_key_is_told_when_it_is_built(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV)
    case = CASES[name]
    options = {**case.options, case.url: case.nowhere, "api_key_env": KEY_ENV}
    if name == "openai-tts":
        del options["base_url"]  # other servers than OpenAI's may need none
    with pytest.raises(SettingsError, match=rf"^providers\.{name}\.api_key_file: .*{KEY_ENV}"):
        build(name, Kind.TTS, options, table=f"providers.{name}")


@every_vendor
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.STALL])
def test_an_answer_that_breaks_off_is_an_error_after_its_audio(name: str, fault: Fault) -> None:
    async def main() -> None:
        async with standing(name, stall_s=0.05) as (tts, studio):
            studio.fault = fault
            said = Said()
            with pytest.raises(ProviderError) as caught:
                await say_into(said, tts, SENTENCE)
            assert caught.value.retryable
            assert_plain(caught.value)
            assert len(said.pcm) > 400
            assert len(studio.made) == 1, "what has sounded is not said again"
            assert [u.characters for u in said.usage] == [len(SENTENCE)]
            studio.fault = Fault.NONE
            assert len((await say(tts, SENTENCE)).pcm) > 4000

    run(main())


# To raw PCM any bytes are audio.
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (name, fault)
        for name in VENDORS
        for fault in (Fault.MUTE, Fault.GARBAGE)
        if (name, fault) != ("openai-tts", Fault.GARBAGE)
    ],
)
def test_no_answer_and_nonsense_are_errors(name: str, fault: Fault) -> None:
    async def main() -> None:
        async with standing(name, stall_s=0.05) as (tts, studio):
            studio.fault = fault
            with pytest.raises(ProviderError) as caught:
                await say(tts, SENTENCE)
            assert caught.value.retryable
            assert_plain(caught.value)

    run(main())


@every_vendor
def test_silence_is_no_error_and_slow_is_not_late(name: str) -> None:
    async def main() -> None:
        async with standing(name, stall_s=0.5) as (tts, studio):
            studio.fault = Fault.SOUNDLESS
            assert len((await say(tts, SENTENCE)).pcm) < 100
            studio.fault = Fault.SLOW_START
            assert len((await say(tts, SENTENCE)).pcm) > 4000

    run(main())


def test_nobody_there_is_one_line() -> None:
    for name in VENDORS:
        case = CASES[name]

        async def main(name: str = name, case: Any = case) -> None:
            options = {**case.options, case.url: case.nowhere}
            if case.needs_key:
                options["api_key_env"] = KEY_ENV
            tts = build(name, Kind.TTS, options, table="providers.x")
            with pytest.raises(ProviderError, match="cannot be reached") as caught:
                await say(tts, SENTENCE)
            assert caught.value.retryable
            assert_plain(caught.value)
            if isinstance(tts, Warming):
                await tts.warm()
            await tts.close()

        run(main())


def assert_plain(error: ProviderError) -> None:
    """One line for an operator: no key, no address, no text of the call."""
    text = str(error)
    assert "\n" not in text
    assert len(text) < 300
    for secret in (KEY, "sk-", "://", "morning"):
        assert secret not in text


# ------------------------------------------------------------------ connections and load


@pytest.mark.parametrize("name", [name for name in VENDORS if CASES[name].keeps])
def test_a_warm_connection_serves_sentence_after_sentence(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, studio):
            await warmed(tts)
            for _ in range(5):
                await say(tts, SENTENCE)
            assert studio.connections == 1

    run(main())


@every_voice
def test_many_calls_at_once_are_not_mixed_up_and_do_not_stall(name: str) -> None:
    calls = 50 if name in VENDORS else 12

    async def main() -> None:
        async with standing(name) as (tts, studio):

            async def length(words: int) -> int:
                return len((await say(tts, "seventeen " * words)).pcm)

            alone = [await length(n % 5 + 1) for n in range(5)]
            worst_s, is_done = 0.0, False

            async def tick() -> None:
                nonlocal worst_s
                while not is_done:
                    before_s = time.thread_time()
                    await asyncio.sleep(0.001)
                    worst_s = max(worst_s, time.thread_time() - before_s)

            ticking = asyncio.create_task(tick())
            together = await asyncio.gather(*(length(n % 5 + 1) for n in range(calls)))
            is_done = True
            await ticking
            assert together == pytest.approx([alone[n % 5] for n in range(calls)], rel=0.01)
            assert worst_s < 2.0  # a guard against blocking outright; vendor and client share the loop
            if name in VENDORS:
                assert studio.open <= calls

    run(main())


@every_voice
def test_it_can_be_closed_twice(name: str) -> None:
    async def main() -> None:
        async with standing(name) as (tts, _):
            await say(tts, "Yes.")
            await tts.close()

    run(main())
