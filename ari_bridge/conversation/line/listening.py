"""The caller's audio, read from the port as it comes."""

from __future__ import annotations

from collections.abc import Callable

from ari_bridge.core.audio import AudioChunk
from ari_bridge.media.plane import MediaPort
from ari_bridge.media.vad import VoiceEvent
from ari_bridge.media.voice_activity import VoiceDetector


async def listen(
    port: MediaPort,
    *,
    is_aside: Callable[[], bool],
    hear: Callable[[AudioChunk], None],
    tell: Callable[[VoiceEvent], None],
) -> None:
    """Every chunk to `hear`, then what it means to `tell`; nothing while `is_aside`. Runs until cancelled.
    Raises MediaError."""
    detector = VoiceDetector()
    while True:
        chunk = await port.read()
        if is_aside():
            detector = VoiceDetector()
            continue
        hear(chunk)
        for event in detector.process(chunk):
            tell(event)
