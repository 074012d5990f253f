"""The synthetic caller's voice: a line of text as PCM, made before the call starts."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import espeak, packages
from ari_bridge.sandbox.debian import Progress
from ari_bridge.sandbox.scenario import Voice

PEAK = 0.5
"""Of full scale: as loud as people are on the telephone."""

_ZERO_CROSSINGS = 24
"""Of the resampler's sinc, each side."""
_BLOCK = 4096


def speak(text: str, voice: Voice, rate_hz: int, progress: Progress | None = None) -> Pcm16:
    """`text` in `voice` at `rate_hz`, without silence before or after. Blocks. Raises SandboxError."""
    tell = progress or (lambda _line: None)
    with tempfile.TemporaryDirectory(prefix="voice-") as folder:
        target = Path(folder) / "line.wav"
        command = _command(text, voice, target, tell)
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0 or not target.exists():
            complaint = (result.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise SandboxError(f"the caller's voice {voice.value} failed: {complaint}")
        pcm, own_rate_hz = read_wav(target.read_bytes())
    pcm = trimmed(resampled(pcm, own_rate_hz, rate_hz))
    loudest = int(np.max(np.abs(pcm.astype(np.int32)), initial=1))
    return (pcm * (PEAK * 32767 / loudest)).astype(np.int16)


def _command(text: str, voice: Voice, target: Path, progress: Progress) -> list[str]:
    if voice is Voice.FLITE:
        return [*packages.find_tool("flite", progress), "-voice", "slt", "-t", text, "-o", str(target)]
    # In a process of its own: the library keeps one global state, which the product's own voice may hold.
    return [sys.executable, espeak.__file__, text, str(target)]


def read_wav(data: bytes) -> tuple[Pcm16, int]:
    """PCM16 mono and its rate."""
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()


def write_wav(path: Path, pcm: Pcm16, rate_hz: int) -> None:
    """PCM16 mono. Raises OSError."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.astype("<i2").tobytes())


def resampled(pcm: Pcm16, from_hz: int, to_hz: int) -> Pcm16:
    """By windowed sinc (Smith, "Digital Audio Resampling"), a whole line or call at once; any rates."""
    if from_hz == to_hz:
        return pcm
    cutoff = min(1.0, to_hz / from_hz) * 0.95
    half = int(np.ceil(_ZERO_CROSSINGS / cutoff))
    padded = np.pad(pcm.astype(np.float64), (half, half + 1))
    at = np.arange(len(pcm) * to_hz // from_hz) * (from_hz / to_hz)
    result = np.empty(len(at), np.int16)
    for first in range(0, len(at), _BLOCK):  # a block's taps are a table of _BLOCK rows, not of minutes
        here = at[first : first + _BLOCK, None]
        taps = np.floor(here).astype(np.int64) + np.arange(-half + 1, half + 1)
        distance = (here - taps) * cutoff
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _ZERO_CROSSINGS, -1, 1))
        filtered = np.sum(padded[taps + half] * np.sinc(distance) * window, axis=1) * cutoff
        result[first : first + _BLOCK] = np.clip(np.rint(filtered), -32768, 32767)
    return result


def trimmed(pcm: Pcm16) -> Pcm16:
    """Without the quiet at both ends, so that "speaks at" means a voiced frame at that time."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 300)
    return pcm[loud[0] : loud[-1] + 1] if len(loud) else pcm
