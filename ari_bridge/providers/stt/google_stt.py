"""Speech to text by Google Cloud Speech-to-Text v2: the whole utterance in one request.

Its streaming is gRPC only, which this product does not speak; `recognize` is REST, so no words are told
before the utterance's end, and the transcript comes later by the time of one request.

Source: https://cloud.google.com/speech-to-text/docs/reference/rest/v2/projects.locations.recognizers/recognize
(2026-11); at most 60 s of audio in a request.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from pydantic import Field, SecretStr

from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.base import Kind, Provider, SpeechContext, Usage
from ari_bridge.providers.stt.recordings import RecordingsToText
from ari_bridge.providers.stt.streaming.dialect import Words, joined
from ari_bridge.providers.stt.streaming.options import KeyedStreamOptions
from ari_bridge.providers.stt.streaming.wire import Encoder, telephone_format
from ari_bridge.providers.vendor.http import HttpVendor

_PHRASES_MOST = 200


class GoogleSttOptions(KeyedStreamOptions):
    api_key_env: str = "GOOGLE_API_KEY"
    project: str
    location: str = "global"
    """Or a region, say "europe-west4"; some models are in some regions only."""
    model: str = "telephony"
    language: str = ""
    """With its region, "de-DE"; the agent's when empty."""
    base_url: str = ""
    final_s: float = Field(default=5.0, gt=0)

    @property
    def url(self) -> str:
        region = "" if self.location == "global" else f"{self.location}-"
        return self.base_url or f"https://{region}speech.googleapis.com"


class GoogleRecognize:
    name = "google-stt"
    longest_s = 55.0

    def __init__(self, options: GoogleSttOptions, key: SecretStr) -> None:
        self._options = options
        self._http = HttpVendor(self.name, options.url, {"X-Goog-Api-Key": key.get_secret_value()})
        self._path = f"/v2/projects/{options.project}/locations/{options.location}/recognizers/_:recognize"

    async def recognize(self, pcm: Pcm16, context: SpeechContext) -> Words:
        """Raises ProviderError."""
        async with self._http.request("POST", self._path, body=self._body(pcm, context)) as response:
            answer = self._http.json(await response.read())
        try:
            words = _words(answer)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._http.nonsense("results of an unknown shape") from None
        duration_s = len(pcm) / context.rate_hz
        context.meter(Usage(audio_s=duration_s, service=f"google {self._options.model}"))
        return words

    async def warm(self) -> None:
        await self._http.warm()

    async def close(self) -> None:
        await self._http.close()

    def _body(self, pcm: Pcm16, context: SpeechContext) -> dict[str, Any]:
        wire = telephone_format(context.rate_hz)
        config: dict[str, Any] = {
            "explicitDecodingConfig": {
                "encoding": "MULAW" if wire.is_ulaw else "LINEAR16",
                "sampleRateHertz": wire.rate_hz,
                "audioChannelCount": 1,
            },
            "languageCodes": [self._options.language or context.language],
            "model": self._options.model,
            "features": {"enableAutomaticPunctuation": True},
        }
        if context.phrases:
            phrases = [{"value": phrase} for phrase in context.phrases[:_PHRASES_MOST]]
            config["adaptation"] = {"phraseSets": [{"inlinePhraseSet": {"phrases": phrases}}]}
        content = base64.b64encode(Encoder(context.rate_hz, wire).encode(pcm)).decode()
        return {"config": config, "content": content}


def _words(answer: Mapping[str, Any]) -> Words:
    best = [result["alternatives"][0] for result in answer.get("results", []) if result.get("alternatives")]
    sure = [float(alternative["confidence"]) for alternative in best if "confidence" in alternative]
    return Words(
        joined(str(alternative.get("transcript", "")) for alternative in best),
        is_settled=True,
        confidence=sum(sure) / len(sure) if sure else None,
    )


def _build(options: GoogleSttOptions) -> RecordingsToText:
    return RecordingsToText(GoogleRecognize(options, options.key()), final_s=options.final_s)


PROVIDER = Provider(
    name="google-stt",
    kind=Kind.STT,
    options=GoogleSttOptions,
    build=_build,
    summary="Google Cloud Speech-to-Text v2, one request an utterance",
)
