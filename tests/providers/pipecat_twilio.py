"""What bots of pipecat for Twilio have in common, as its users write it: its serializer, its WebSocket
transport, its runner."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner

RATE_HZ = 8000


@dataclass(frozen=True)
class Bot:
    pipeline: Pipeline
    greet: Callable[[], Awaitable[None]]


Make: TypeAlias = Callable[[FastAPIWebsocketTransport, Mapping[str, str]], Bot]
"""The second: the stream's parameters."""


async def _talk(websocket: WebSocket, make: Make) -> None:
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
    bot = make(transport, call["body"])
    worker = PipelineWorker(
        bot.pipeline,
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
    )

    @transport.event_handler("on_client_connected")
    async def greet(transport: object, client: object) -> None:
        await bot.greet()

    @transport.event_handler("on_client_disconnected")
    async def leave(transport: object, client: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def serve(make: Make, port: int) -> None:
    """A bot for each call, at ws://127.0.0.1:PORT/ws, until SIGTERM."""
    app = FastAPI()

    @app.websocket("/ws")
    async def answer(websocket: WebSocket) -> None:
        await _talk(websocket, make)

    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    asyncio.run(uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning")).serve())
