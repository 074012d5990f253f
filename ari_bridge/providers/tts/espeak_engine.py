"""espeak-ng in process, by ctypes: one global engine, so one sentence at a time.

Declarations follow espeak-ng's speak_lib.h (API revision 12). In synchronous mode espeak_Synth calls back
with pieces of PCM16 and the events that lie in them; a callback that returns 1 ends the sentence. ctypes
lets go of the interpreter's lock for the length of the call, so a thread that speaks blocks nobody.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import ProviderError

try:
    import espeakng_loader
except ImportError:  # no wheel for this machine: the system's library is looked for instead
    espeakng_loader = None

PIECE_MS = 60
_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_EVENT_END, _EVENT_WORD = 0, 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_PATH_LIMIT = 140
"""espeak-ng keeps its data folder's path in 160 characters and cuts off the rest."""


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


class _VoiceQuery(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class Voice:
    """How to speak. `name` is a voice of espeak-ng ("en-us", "de", "en-us+f3") or a language code."""

    name: str = "en-us"
    rate_wpm: int = 165
    pitch: int = 50
    volume: int = 100


@dataclass(frozen=True, slots=True)
class WordStart:
    """`length` characters from `start_char` begin to sound at `sample` of the text (at the engine's rate)."""

    start_char: int
    length: int
    sample: int


PieceSink = Callable[[Pcm16, tuple[WordStart, ...]], bool]
"""Takes each piece in the speaking thread; False ends the sentence."""


class Engine:
    """The library, loaded and set up. Use `engine()`: the library keeps its state in globals."""

    def __init__(self) -> None:
        """Raises ProviderError when the library or its data cannot be had."""
        self._lock = threading.Lock()
        self._library, data = _load()
        self._sink: PieceSink | None = None
        self._current: Voice | None = None
        self._callback = _Callback(self._on_piece)  # kept: C holds only its address
        rate_hz = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, PIECE_MS, data, _INITIALIZE_DONT_EXIT)
        if rate_hz <= 0:
            raise ProviderError("espeak: the library found no voice data", retryable=False)
        self.rate_hz = int(rate_hz)
        self._library.espeak_SetSynthCallback(self._callback)

    def has_voice(self, name: str) -> bool:
        with self._lock:
            self._current = None
            return self._set_voice(name)

    def speak(self, text: str, voice: Voice, sink: PieceSink) -> None:
        """Speak `text` into `sink`, in the calling thread, waiting for whoever speaks now.

        Raises ProviderError.
        """
        data = text.replace("\0", " ").encode("utf-8", "replace")
        with self._lock:
            self._use(voice)
            self._sink = sink
            try:
                status = self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _CHARS_UTF8, None, None)
            finally:
                self._sink = None
        if status != 0:
            raise ProviderError(f"espeak: refused the text (status {status})", retryable=False)

    def _use(self, voice: Voice) -> None:
        if voice == self._current:
            return
        self._current = None
        if not self._set_voice(voice.name):
            raise ProviderError(f"espeak: there is no voice {voice.name!r}", retryable=False)
        for parameter, value in (
            (_RATE, voice.rate_wpm),
            (_PITCH, voice.pitch),
            (_VOLUME, voice.volume),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._current = voice

    def _set_voice(self, name: str) -> bool:
        if self._library.espeak_SetVoiceByName(name.encode()) == 0:
            return True
        query = _VoiceQuery(languages=name.encode())
        return bool(self._library.espeak_SetVoiceByProperties(ctypes.byref(query)) == 0)

    def _on_piece(self, wave: Any, count: int, events: Any) -> int:
        words = []
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_WORD:
                words.append(WordStart(event.text_position - 1, event.length, event.sample))
            index += 1
        # `wave` is NULL at the end of the text; the buffer is the engine's, so it is copied.
        pcm = np.ctypeslib.as_array(wave, (count,)).copy() if wave and count else np.zeros(0, dtype=np.int16)
        if self._sink is None or (not len(pcm) and not words):
            return 0
        return 0 if self._sink(pcm, tuple(words)) else 1


_engine_lock = threading.Lock()
_engines: list[Engine] = []


def engine() -> Engine:
    """The process's one engine, loaded at the first call. Raises ProviderError."""
    with _engine_lock:
        if not _engines:
            _engines.append(Engine())
        return _engines[0]


def _load() -> tuple[ctypes.CDLL, bytes | None]:
    """The library, and its data folder where it is not the system's own."""
    try:
        if espeakng_loader is not None:
            return _declared(ctypes.CDLL(espeakng_loader.get_library_path())), _short(
                Path(espeakng_loader.get_data_path())
            )
        system = ctypes.util.find_library("espeak-ng")
        if system is not None:
            return _declared(ctypes.CDLL(system)), None
    except (OSError, RuntimeError) as error:
        raise ProviderError(f"espeak: the library cannot be loaded: {error}", retryable=False) from None
    raise ProviderError(
        "espeak: no library: install the Python package espeakng-loader or Debian's libespeak-ng1",
        retryable=False,
    )


def _short(data: Path) -> bytes:
    """A path to `data` that is short enough for espeak-ng."""
    if len(os.fsencode(data)) <= _PATH_LIMIT:
        return os.fsencode(data)
    descriptor = os.open(data, os.O_RDONLY | os.O_DIRECTORY)  # open as long as the engine: for ever
    return f"/proc/self/fd/{descriptor}".encode()


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetSynthCallback.restype = None
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetVoiceByProperties.argtypes = [ctypes.POINTER(_VoiceQuery)]
    library.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    return library
