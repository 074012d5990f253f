"""OpenAI's Realtime API, and servers that speak it (Azure OpenAI, speaches, LocalAI).

https://developers.openai.com/api/docs/guides/realtime-websocket
https://developers.openai.com/api/reference/resources/realtime (November 2026)

Calls at 8 kHz go as µ-law, as they are; others as PCM at 24 kHz. The server takes turns by its own voice
detection, and gives up a response when the caller speaks; what was heard of it is told by
conversation.item.truncate. A session lasts 60 minutes at most; the call goes on with another one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
from pydantic import Field

from ari_bridge.providers.base import Kind, Provider
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.dialect import SocketSession
from ari_bridge.providers.speech.openai_realtime_dialect import OpenAiRealtimeDialect
from ari_bridge.providers.speech.openai_realtime_setup import Configuration
from ari_bridge.providers.vendor.addresses import SocketUrl
from ari_bridge.providers.vendor.http import open_session
from ari_bridge.providers.vendor.keys import KeyOptions
from ari_bridge.providers.vendor.websocket import connected

NAME = "openai-realtime"
OPENAI = "https://api.openai.com/v1"


class OpenAiRealtimeOptions(KeyOptions):
    api_key_env: str = "OPENAI_API_KEY"
    base_url: SocketUrl = OPENAI
    """Without /realtime: https://RESOURCE.openai.azure.com/openai/v1, http://localhost:8000/v1."""
    key_header: Literal["authorization", "api-key"] = "authorization"
    """api-key is Azure's."""
    model: str = "gpt-realtime-2.1"
    """On Azure, the deployment's name."""
    voice: str = "marin"
    """"" leaves it to the server."""
    transcription_model: str = "gpt-transcribe"
    """Of the caller's words, for transcript and policies; "" for none."""
    audio: Literal["auto", "pcm"] = "auto"
    """pcm: for servers that take no µ-law."""
    turn_detection: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float | None = Field(default=None, ge=0, le=1)
    """server_vad: how sure it must be that somebody speaks; so do the next two belong to it."""
    prefix_padding_ms: int | None = Field(default=None, ge=0, le=5000)
    silence_duration_ms: int | None = Field(default=None, ge=0, le=10_000)
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    """semantic_vad: how soon it takes a turn for over."""
    noise_reduction: Literal["", "near_field", "far_field"] = ""
    max_output_tokens: int | None = Field(default=None, ge=1, le=4096)


class OpenAiRealtime:
    """A `SpeechToSpeech`."""

    def __init__(self, options: OpenAiRealtimeOptions) -> None:
        """Raises SettingsError: there is no key, or it cannot be read."""
        key = options.key(needed=options.base_url == OPENAI).get_secret_value()
        self._headers = _headers(options.key_header, key)
        self._url = f"{options.base_url}/realtime"
        self._options = options
        self._session: aiohttp.ClientSession | None = None

    @property
    def abilities(self) -> b.Abilities:
        return b.Abilities()

    @asynccontextmanager
    async def converse(self, opening: b.Opening) -> AsyncGenerator[b.SpeechSession, None]:
        """Raises ProviderError."""
        if self._session is None:
            self._session = open_session()
        params = {"model": self._options.model}
        async with connected(self._session, NAME, self._url, headers=self._headers, params=params) as socket:
            session = SocketSession(socket, OpenAiRealtimeDialect(opening, _configuration(self._options)))
            await session.begin()
            yield session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _headers(header: str, key: str) -> Mapping[str, str]:
    if not key:
        return {}
    return {"api-key": key} if header == "api-key" else {"Authorization": f"Bearer {key}"}


def _configuration(options: OpenAiRealtimeOptions) -> Configuration:
    if options.turn_detection == "semantic_vad":
        turns: dict[str, Any] = {"type": "semantic_vad", "eagerness": options.eagerness}
    else:
        wanted = {
            "threshold": options.threshold,
            "prefix_padding_ms": options.prefix_padding_ms,
            "silence_duration_ms": options.silence_duration_ms,
        }
        turns = {"type": "server_vad", **{name: value for name, value in wanted.items() if value is not None}}
    return Configuration(
        model=options.model,
        voice=options.voice,
        transcription_model=options.transcription_model,
        takes_ulaw=options.audio == "auto",
        turn_detection={**turns, "create_response": True, "interrupt_response": True},
        noise_reduction=options.noise_reduction,
        max_output_tokens=options.max_output_tokens,
    )


PROVIDER = Provider(
    name=NAME,
    kind=Kind.SPEECH,
    options=OpenAiRealtimeOptions,
    build=OpenAiRealtime,
    summary="OpenAI Realtime and compatible servers, by WebSocket",
)
