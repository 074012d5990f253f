"""A bot of pipecat's parts without a model: it greets with a tone, falls silent when the caller speaks,
answers with a higher tone once the caller is done, and ends the stream at the key 9.

    python -m tests.providers.pipecat_bot PORT
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.websocket.fastapi import FastAPIWebsocketTransport

from tests.providers.pipecat_process import ANSWER_HZ, GREETING_HZ
from tests.providers.pipecat_twilio import RATE_HZ, Bot, serve

VOICE = 2000
"""A caller's frame whose peak is above this is voice."""
QUIET_FRAMES = 15


def tone(hz: float, seconds: float) -> bytes:
    at = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    pcm: bytes = (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16).tobytes()
    return pcm


class Talker(FrameProcessor):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._spoken = False
        self._quiet = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case InputAudioRawFrame():
                await self._hear(np.frombuffer(frame.audio, np.int16))
            case InputDTMFFrame() if frame.button.value == "9":
                await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)
            case _:
                await self.push_frame(frame, direction)

    async def _hear(self, pcm: np.ndarray) -> None:
        if np.max(np.abs(pcm.astype(np.int32)), initial=0) > VOICE:
            self._quiet = 0
            if not self._spoken:
                self._spoken = True
                await self.push_frame(InterruptionFrame())
        elif self._spoken:
            self._quiet += 1
            if self._quiet == QUIET_FRAMES:
                self._spoken = False
                await self.say(ANSWER_HZ, 1.0)

    async def say(self, hz: float, seconds: float) -> None:
        await self.push_frame(OutputAudioRawFrame(tone(hz, seconds), RATE_HZ, 1))


def _bot(transport: FastAPIWebsocketTransport, parameters: Mapping[str, str]) -> Bot:
    talker = Talker()
    pipeline = Pipeline([transport.input(), talker, transport.output()])
    return Bot(pipeline, lambda: talker.say(GREETING_HZ, 6.0))


if __name__ == "__main__":
    serve(_bot, int(sys.argv[1]))
