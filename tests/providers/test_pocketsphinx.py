from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Heard, SpeechContext, SttInput, Transcript, UtteranceEnd, UtteranceStart
from ari_bridge.providers.llm.script import EXAMPLE
from ari_bridge.providers.llm.script_file import load_script
from ari_bridge.providers.stt.pocketsphinx import PocketsphinxOptions, PocketsphinxSpeechToText
from ari_bridge.providers.stt.pocketsphinx_grammar import build_grammar, read_dictionary

_CONTEXT = SpeechContext(rate_hz=8000, phrases=load_script(EXAMPLE).sentences)


async def _utterances(*said: Pcm16) -> AsyncIterator[SttInput]:
    for number, pcm in enumerate(said):
        yield UtteranceStart(number)
        for offset in range(0, len(pcm), 160):
            yield Heard(pcm[offset : offset + 160])
        yield UtteranceEnd(number)


def _understand(*said: Pcm16, context: SpeechContext = _CONTEXT) -> list[Transcript]:
    async def main() -> list[Transcript]:
        stt = PocketsphinxSpeechToText(PocketsphinxOptions())
        try:
            return [transcript async for transcript in stt.transcribe(_utterances(*said), context)]
        finally:
            await stt.close()

    return asyncio.run(main())


def test_expected_sentences_are_understood_and_partials_lead_to_them(caller: Callable[[str], Pcm16]) -> None:
    sentences = ["what are your opening hours", "where is my order", "i would like to speak to a human"]
    transcripts = _understand(*map(caller, sentences))
    finals = [transcript for transcript in transcripts if transcript.final]
    assert [final.utterance for final in finals] == [0, 1, 2]
    assert [final.text for final in finals] == sentences
    assert all(final.confidence is not None and final.confidence > 0.5 for final in finals)
    partials = [transcript.text for transcript in transcripts if not transcript.final]
    assert "what are your" in " | ".join(partials)


def test_noise_and_silence_are_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 800, 16000).astype(np.int16)
    empty = np.zeros(0, np.int16)
    finals = [t for t in _understand(np.zeros(8000, np.int16), noise, empty) if t.final]
    assert [final.text for final in finals] == ["", "", ""]


def test_an_unknown_word_is_named_and_its_sentence_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        _understand(context=SpeechContext(8000, phrases=("stop", "call zyzzyva now")))
    assert "'zyzzyva' has no pronunciation" in caplog.text


@pytest.mark.parametrize(
    ("context", "problem"),
    [
        (SpeechContext(8000, language="de", phrases=("ja",)), "its model is English"),
        (SpeechContext(8000), "expects no phrases"),
        (SpeechContext(8000, phrases=("Xyzzyq?",)), r"every expected phrase .* \(xyzzyq\)"),
    ],
)
def test_what_it_cannot_do_is_a_provider_error(context: SpeechContext, problem: str) -> None:
    with pytest.raises(ProviderError, match=problem) as caught:
        _understand(context=context)
    assert not caught.value.retryable


def test_a_dead_process_is_a_retryable_error_and_the_next_call_gets_a_new_one(
    caller: Callable[[str], Pcm16],
) -> None:
    async def main() -> str:
        stt = PocketsphinxSpeechToText(PocketsphinxOptions())
        never = asyncio.Event()

        async def audio() -> AsyncIterator[SttInput]:
            yield UtteranceStart(0)
            stt._processes[0]._process.kill()
            await never.wait()

        with pytest.raises(ProviderError) as caught:
            async for _ in stt.transcribe(audio(), _CONTEXT):
                pass
        assert caught.value.retryable
        finals = [t async for t in stt.transcribe(_utterances(caller("goodbye")), _CONTEXT) if t.final]
        await stt.close()
        return finals[0].text

    assert asyncio.run(main()) == "goodbye"


def test_an_error_in_the_audio_reaches_the_reader() -> None:
    async def main() -> None:
        stt = PocketsphinxSpeechToText(PocketsphinxOptions())

        async def audio() -> AsyncIterator[SttInput]:
            yield UtteranceStart(0)
            raise ValueError("broken audio")

        with pytest.raises(ValueError, match="broken audio"):
            async for _ in stt.transcribe(audio(), _CONTEXT):
                pass
        await stt.close()

    asyncio.run(main())


def test_phrases_may_be_written_as_sentences() -> None:
    grammar = build_grammar(["What's your name, please?"], {"what's", "your", "name", "please"})
    assert grammar.sentences == {"what's your name please"}


def test_the_grammar_shares_beginnings_and_completes_a_swallowed_last_word() -> None:
    grammar = build_grammar(["what can you do", "what can you say", "tell me the hours"], _AnyWord())
    assert len(grammar.transitions) == 3 + 2 + 4
    assert grammar.complete("tell me the") == "tell me the hours"
    assert grammar.complete("what can you") == ""
    assert grammar.complete("tell me") == ""
    assert grammar.complete("") == ""


def test_a_sentence_that_begins_another_is_a_sentence_too() -> None:
    grammar = build_grammar(["stop", "stop please"], _AnyWord())
    assert grammar.sentences == {"stop", "stop please"}
    ends = {word for _, to, _, word in grammar.transitions if to == 1}
    assert ends == {"stop", "please"}


def test_the_dictionary_gathers_all_pronunciations_of_a_word(tmp_path: Path) -> None:
    (tmp_path / "words.dict").write_text("the DH AH\nthe(2) DH IY\nstop S T AA P\n\n")
    assert read_dictionary(tmp_path / "words.dict") == {"the": ["DH AH", "DH IY"], "stop": ["S T AA P"]}


class _AnyWord:
    def __contains__(self, word: object) -> bool:
        return True
