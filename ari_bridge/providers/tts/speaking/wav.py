"""A stream that was asked for as raw PCM and may be a WAV file after all, as some servers send it. No I/O.

(RIFF: Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991.) The header of a
stream tells no true length, so all that follows "data" is audio.
"""

from __future__ import annotations

import struct

from ari_bridge.providers.tts.speaking.sound import Encoding, SoundFormat

_LONGEST_HEADER = 4096
_PCM, _EXTENSIBLE = 1, 0xFFFE


class NotPcm(ValueError):
    """A WAV file of something else than 16-bit mono PCM."""


class RawOrWav:
    """Bytes as they come; `source` is known once some have come out."""

    def __init__(self, raw: SoundFormat) -> None:
        """`raw`: what it is without a header."""
        self.source = raw
        self._start = b""
        self._is_decided = False

    def feed(self, octets: bytes) -> bytes:
        """The audio in them. Raises NotPcm."""
        if self._is_decided:
            return octets
        self._start += octets
        if len(self._start) < 12 and b"RIFF".startswith(self._start[:4]):
            return b""
        if self._start[:4] != b"RIFF" or self._start[8:12] != b"WAVE":
            return self._decided(self._start)
        return self._past_header()

    def _past_header(self) -> bytes:
        at = 12
        while at + 8 <= len(self._start):
            name, size = struct.unpack_from("<4sI", self._start, at)
            at += 8
            if name == b"data":
                return self._decided(self._start[at:])
            if name == b"fmt " and at + 16 <= len(self._start):
                kind, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", self._start, at)
                if kind not in (_PCM, _EXTENSIBLE) or (channels, bits) != (1, 16) or not rate_hz:
                    raise NotPcm(f"{channels} channels of {bits} bits (format {kind})")
                self.source = SoundFormat(Encoding.PCM16, rate_hz)
            at += size + size % 2
        if len(self._start) > _LONGEST_HEADER:
            raise NotPcm("a header without an end")
        return b""

    def _decided(self, audio: bytes) -> bytes:
        self._is_decided, self._start = True, b""
        return audio
