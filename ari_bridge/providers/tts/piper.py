"""Piper in process: a neural voice from a file, on the processor, offline.

The package piper-tts 1.8 (github.com/OHF-Voice/piper1-gpl) is GPL-3.0-or-later and brings ONNX Runtime and
a copy of espeak-ng, so it is an extra (docs/adr/0002-dependencies.md), imported only when an agent is set to
speak with it. A voice is two files with a licence of their own: NAME.onnx and NAME.onnx.json.

Piper gives nothing before a text's last sample is made, so text is spoken clause by clause; leaving takes
effect at the end of the clause that is being made. It tells no word times.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Provider, Speech, VoiceContext
from ari_bridge.providers.streams import StallLimits, watched
from ari_bridge.providers.tts.speaking.narration import Narration
from ari_bridge.providers.tts.speaking.options import VoiceChoice, clamped
from ari_bridge.providers.tts.speaking.sound import Encoding, SoundFormat
from ari_bridge.providers.tts.speaking.text import parts, speakable_parts
from ari_bridge.providers.tts.speaking.thread import from_thread

_CLAUSE_CHARS = 160


class PiperOptions(VoiceChoice):
    """`voice` and `voices` are files, NAME.onnx."""

    speaker: int | None = Field(default=None, ge=0)
    """Of a voice with several."""
    threads: int = Field(default=2, ge=1, le=32)
    """How many sentences at a time; more wait."""


class PiperTextToSpeech:
    def __init__(self, options: PiperOptions, package: Any, voices: dict[str, Any]) -> None:
        """`package`: the module piper; `voices`: its voices, loaded, by file."""
        self._options, self._package, self._voices = options, package, voices
        self._threads = ThreadPoolExecutor(options.threads, thread_name_prefix="piper")

    async def speak(self, sentence: str, context: VoiceContext) -> AsyncGenerator[Speech, None]:
        """Raises ProviderError."""
        voice = self._voices[self._options.voice_for(context.language)]
        narration = Narration(
            sentence, SoundFormat(Encoding.PCM16, voice.config.sample_rate), context.rate_hz
        )
        settings = self._package.SynthesisConfig(
            speaker_id=self._options.speaker,
            length_scale=voice.config.length_scale / clamped(context.pace, 0.5, 2.0),
        )
        limits = StallLimits(self._options.stall_s, self._options.stall_s)
        for _, part in speakable_parts(sentence):
            for _, clause in parts(part, _CLAUSE_CHARS):
                made = from_thread(self._threads, partial(_made, voice, clause, settings))
                async with aclosing(watched(made, limits)) as sounds:
                    async for pcm in sounds:
                        for piece in narration.sound(pcm.tobytes()):
                            yield piece
        for piece in narration.finish():
            yield piece

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _made(voice: Any, text: str, settings: Any) -> Iterator[Pcm16]:
    """In a thread. Raises ProviderError."""
    try:
        for chunk in voice.synthesize(text, settings):
            yield np.asarray(chunk.audio_int16_array, dtype="<i2")
    except Exception as error:  # ONNX Runtime's own have no other parent
        raise ProviderError(f"piper: cannot speak: {type(error).__name__}", retryable=False) from error


def _build(options: PiperOptions) -> PiperTextToSpeech:
    if not options.voice:
        raise SettingsError("voice: name a voice file, NAME.onnx (huggingface.co/rhasspy/piper-voices)")
    try:
        package = importlib.import_module("piper")  # brings ONNX Runtime: only for who uses it
    except ImportError:
        raise SettingsError(
            "use: piper needs the package piper-tts: pip install 'ari_bridge[piper]'"
        ) from None
    files = {options.voice, *options.voices.values()}
    return PiperTextToSpeech(options, package, {file: _loaded(package, file) for file in files})


def _loaded(package: Any, file: str) -> Any:
    for path in (Path(file), Path(f"{file}.json")):
        if not path.is_file():
            raise SettingsError(f"voice: there is no file {path}")
    try:
        return package.PiperVoice.load(file)
    except Exception as error:
        raise SettingsError(f"voice: {file} is no voice of piper's ({type(error).__name__})") from error


PROVIDER = Provider(
    name="piper",
    kind=Kind.TTS,
    options=PiperOptions,
    build=_build,
    summary="Piper in process: a neural voice from a file, offline; pace 0.5 to 2, no word times",
)
