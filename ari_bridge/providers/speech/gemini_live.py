"""Google's Gemini Live API.

https://ai.google.dev/api/live (BidiGenerateContent, v1beta; November 2026)
https://ai.google.dev/gemini-api/docs/live-session

The caller's audio goes as PCM at the call's own rate, the agent's comes at 24 kHz. The server takes turns and
is interrupted by the caller; its protocol has no words for how much was heard, so its own memory of an answer
that was cut short holds what it had sent. A connection lasts some ten minutes: the session goes on over the
next one by its *resumption handle*, and nobody notices.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import aiohttp
from pydantic import Field

from ari_bridge.providers.base import Kind, Provider
from ari_bridge.providers.speech import base as b
from ari_bridge.providers.speech.gemini_live_session import GeminiLiveSession
from ari_bridge.providers.speech.gemini_live_setup import Configuration
from ari_bridge.providers.vendor.addresses import SocketUrl
from ari_bridge.providers.vendor.http import open_session
from ari_bridge.providers.vendor.keys import KeyOptions

GOOGLE = "https://generativelanguage.googleapis.com"
PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"


class GeminiLiveOptions(KeyOptions):
    api_key_env: str = "GEMINI_API_KEY"
    base_url: SocketUrl = GOOGLE
    model: str = "gemini-2.5-flash-native-audio-preview-12-2025"
    voice: str = ""
    """The server's own when empty; Puck, Kore, Charon, …"""
    start_sensitivity: Literal["", "low", "high"] = ""
    """How readily a sound is taken for speech, and (next) a pause for its end."""
    end_sensitivity: Literal["", "low", "high"] = ""
    prefix_padding_ms: int | None = Field(default=None, ge=0, le=5000)
    silence_duration_ms: int | None = Field(default=None, ge=0, le=10_000)
    temperature: float | None = Field(default=None, ge=0, le=2)


class GeminiLive:
    """A `SpeechToSpeech`."""

    def __init__(self, options: GeminiLiveOptions) -> None:
        """Raises SettingsError: there is no key, or it cannot be read."""
        key = options.key(needed=options.base_url == GOOGLE).get_secret_value()
        self._headers = {"x-goog-api-key": key} if key else {}
        self._url = options.base_url + PATH
        self._configuration = _configuration(options)
        self._session: aiohttp.ClientSession | None = None

    @property
    def abilities(self) -> b.Abilities:
        return b.Abilities()

    @asynccontextmanager
    async def converse(self, opening: b.Opening) -> AsyncGenerator[b.SpeechSession, None]:
        """Raises ProviderError."""
        if self._session is None:
            self._session = open_session()
        session = GeminiLiveSession(self._session, self._url, self._headers, opening, self._configuration)
        try:
            await session.open()
            yield session
        finally:
            await session.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _configuration(options: GeminiLiveOptions) -> Configuration:
    detection: dict[str, object] = {}
    if options.start_sensitivity:
        detection["startOfSpeechSensitivity"] = f"START_SENSITIVITY_{options.start_sensitivity.upper()}"
    if options.end_sensitivity:
        detection["endOfSpeechSensitivity"] = f"END_SENSITIVITY_{options.end_sensitivity.upper()}"
    if options.prefix_padding_ms is not None:
        detection["prefixPaddingMs"] = options.prefix_padding_ms
    if options.silence_duration_ms is not None:
        detection["silenceDurationMs"] = options.silence_duration_ms
    return Configuration(options.model, options.voice, detection, options.temperature)


PROVIDER = Provider(
    name="gemini-live",
    kind=Kind.SPEECH,
    options=GeminiLiveOptions,
    build=GeminiLive,
    summary="Google Gemini Live, by WebSocket",
)
