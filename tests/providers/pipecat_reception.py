"""A reception of pipecat's own parts, as its users build one: Silero's voice activity, its turn strategies,
its services of OpenAI. A key goes to the model as a message of its own; `transfer` ends the stream, as there
is nothing else that a bot can do in it.

The stream's parameters `greeting` and `base_url` tell what it says first, and where its services are.

    python -m tests.providers.pipecat_reception PORT
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    EndWorkerFrame,
    Frame,
    FunctionCallResultProperties,
    InputDTMFFrame,
    LLMMessagesAppendFrame,
    TTSSpeakFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketTransport

from tests.providers.pipecat_twilio import Bot, serve

SPEECH_HZ = 24_000
TRANSFER = FunctionSchema(
    name="transfer",
    description="Connect the caller to a person.",
    properties={"destination": {"type": "string"}},
    required=["destination"],
)


class Keys(FrameProcessor):  # type: ignore[misc]
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputDTMFFrame):
            message = {"role": "user", "content": f"[digit {frame.button.value}]"}
            frame = LLMMessagesAppendFrame([message], run_llm=True)
        await self.push_frame(frame, direction)


async def _transfer(call: FunctionCallParams) -> None:
    await call.result_callback({"status": "done"}, properties=FunctionCallResultProperties(run_llm=False))
    await call.llm.push_frame(EndWorkerFrame())


def _bot(transport: FastAPIWebsocketTransport, parameters: Mapping[str, str]) -> Bot:
    services = {"api_key": "none is needed", "base_url": parameters["base_url"]}
    settings = OpenAILLMService.Settings(model="gpt-4.1", system_instruction="Be kind.")
    llm = OpenAILLMService(settings=settings, **services)
    llm.register_function("transfer", _transfer)
    context = LLMContext(tools=ToolsSchema(standard_tools=[TRANSFER]))
    said, answered = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    tts = OpenAITTSService(sample_rate=SPEECH_HZ, **services)
    stages = [transport.input(), Keys(), OpenAISTTService(**services), said, llm, tts, transport.output()]
    pipeline = Pipeline([*stages, answered])
    return Bot(pipeline, lambda: tts.queue_frame(TTSSpeakFrame(parameters["greeting"])))


if __name__ == "__main__":
    serve(_bot, int(sys.argv[1]))
