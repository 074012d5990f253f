"""espeak-ng as a program: python espeak.py TEXT FILE.wav (its C interface is speak_lib.h)."""

from __future__ import annotations

import ctypes
import sys
import wave

import espeakng_loader

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def main() -> None:
    text, target = sys.argv[1], sys.argv[2]
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate_hz = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0
    )
    if rate_hz <= 0:
        sys.exit("espeak-ng could not be initialised")
    pieces: list[bytes] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = _CALLBACK(keep)  # the library keeps no reference
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(b"en-us")
    encoded = text.encode() + b"\0"
    library.espeak_Synth(encoded, ctypes.c_size_t(len(encoded)), 0, 0, 0, _CHARS_UTF8, None, None)
    library.espeak_Synchronize()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"".join(pieces))


if __name__ == "__main__":
    main()
