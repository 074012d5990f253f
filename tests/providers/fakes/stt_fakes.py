"""All the servers that stand in for vendors of speech to text."""

from __future__ import annotations

from tests.providers.fakes.stt_assemblyai import FakeAssemblyAi
from tests.providers.fakes.stt_azure import FakeAzure
from tests.providers.fakes.stt_deepgram import FakeDeepgram
from tests.providers.fakes.stt_deepgram_flux import FakeDeepgramFlux
from tests.providers.fakes.stt_openai_realtime import FakeOpenAiRealtime
from tests.providers.fakes.stt_recordings import FakeGoogle, FakeWhisper
from tests.providers.fakes.stt_server import Fake
from tests.providers.fakes.stt_vosk import FakeVosk
from tests.providers.fakes.stt_wyoming import FakeWyoming

ALL: tuple[type[Fake], ...] = (
    FakeDeepgram,
    FakeDeepgramFlux,
    FakeAssemblyAi,
    FakeOpenAiRealtime,
    FakeAzure,
    FakeVosk,
    FakeWyoming,
    FakeWhisper,
    FakeGoogle,
)
