"""All the servers that stand in for vendors of speech to text."""

from __future__ import annotations

from tests.providers.fakes.stt_assemblyai import FakeAssemblyAi
from tests.providers.fakes.stt_deepgram import FakeDeepgram
from tests.providers.fakes.stt_deepgram_flux import FakeDeepgramFlux
from tests.providers.fakes.stt_server import Fake

ALL: tuple[type[Fake], ...] = (FakeDeepgram, FakeDeepgramFlux, FakeAssemblyAi)
