"""The caller's audio, read from the port as it comes, and the voice in it in the dialogue's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ari_bridge.core.audio import AudioChunk
from ari_bridge.dialogue.signals import VoiceHeld, VoiceOff, VoiceOn
from ari_bridge.media.plane import MediaPort
from ari_bridge.media.vad import VoiceContinued, VoiceEvent, VoiceStarted, VoiceStopped
from ari_bridge.media.voice_activity import VoiceDetector

VoiceSignal: TypeAlias = VoiceOn | VoiceHeld | VoiceOff


async def listen(
    port: MediaPort,
    *,
    is_aside: Callable[[], bool],
    hear: Callable[[AudioChunk], None],
    tell: Callable[[VoiceSignal], None],
) -> None:
    """Every chunk to `hear`, then the voice in it to `tell`; nothing while `is_aside`. Runs until cancelled.
    Raises MediaError."""
    detector = VoiceDetector()
    while True:
        chunk = await port.read()
        if is_aside():
            detector = VoiceDetector()
            continue
        hear(chunk)
        for event in detector.process(chunk):
            tell(_signal(event))


def _signal(event: VoiceEvent) -> VoiceSignal:
    match event:
        case VoiceStarted(at_s):
            return VoiceOn(at_s)
        case VoiceContinued(until_s):
            return VoiceHeld(until_s)
        case VoiceStopped(at_s):
            return VoiceOff(at_s)
