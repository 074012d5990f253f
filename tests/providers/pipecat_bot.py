"""A bot of pipecat's parts, as its users write one for Twilio: its serializer, its WebSocket transport, its
pipeline. It greets with a tone, falls silent when the caller speaks, answers with a higher tone once the
caller is done, and ends the stream at the key 9.

    python -m tests.providers.pipecat_bot PORT
"""

from __future__ import annotations

import asyncio
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

from tests.providers.pipecat_process import ANSWER_HZ, GREETING_HZ

RATE_HZ = 8000
VOICE = 2000
"""A caller's frame whose peak is above this is voice."""
QUIET_FRAMES = 15

app = FastAPI()


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


@app.websocket("/ws")
async def answer(websocket: WebSocket) -> None:
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        params=TwilioFrameSerializer.InputParams(auto_hang_up=False),
    )
    transport = FastAPIWebsocketTransport(
        websocket=websocket,
        params=FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer),
    )
    talker = Talker()
    worker = PipelineWorker(
        Pipeline([transport.input(), talker, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
    )

    @transport.event_handler("on_client_connected")
    async def greet(transport: object, client: object) -> None:
        await talker.say(GREETING_HZ, 6.0)

    @transport.event_handler("on_client_disconnected")
    async def leave(transport: object, client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=int(sys.argv[1]), log_level="warning")).serve())
