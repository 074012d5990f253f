"""The engines that agents name: each built once, voices with the cache of fixed phrases before them, a list
of them as one engine with others in reserve. A single one is a list too: it may not keep callers waiting for
longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from ari_bridge.dialogue.languages.registry import all_languages
from ari_bridge.dialogue.wording import wording
from ari_bridge.provider_settings import FallbackSettings
from ari_bridge.providers.base import Kind, LanguageModel, SpeechToText, TextToSpeech, TurnDetector
from ari_bridge.providers.cache import CachingTextToSpeech
from ari_bridge.providers.fallback.breaker import CircuitBreaker
from ari_bridge.providers.fallback.llm import FallbackLanguageModel
from ari_bridge.providers.fallback.pool import Member, Pool
from ari_bridge.providers.fallback.stt import FallbackSpeechToText
from ari_bridge.providers.fallback.tts import FallbackTextToSpeech
from ari_bridge.providers.phrase_store import PhraseStore
from ari_bridge.providers.registry import build_provider
from ari_bridge.providers.speech.base import SpeechToSpeech
from ari_bridge.providers.streams import StallLimits
from ari_bridge.settings import AgentSettings, Settings

E = TypeVar("E", bound=SpeechToText | LanguageModel | TextToSpeech)
Names = tuple[str, ...]
Build = Callable[[Settings, Kind, str], Any]
MB = 1_000_000


class Engines:
    """One a service; `close` it. What it is asked for raises SettingsError for a name or option that is
    wrong."""

    def __init__(self, settings: Settings, build: Build = build_provider) -> None:
        """`build`: makes an engine by its name."""
        self._settings, self._build = settings, build
        self._reserve = settings.providers.fallback
        self._detectors: dict[str, TurnDetector] = {}
        limits, phrases = settings.providers.fallback, settings.phrases
        self._speech: dict[str, SpeechToSpeech] = {}
        self._store = PhraseStore(
            phrases.directory, memory_bytes=phrases.memory_mb * MB, disk_bytes=phrases.disk_mb * MB
        )
        llm_limits = StallLimits(limits.llm_first_s, limits.next_s)
        llm_last = StallLimits(limits.llm_last_s, limits.next_s)
        tts_limits = StallLimits(limits.tts_first_s, limits.next_s)
        self._stt: _OfKind[SpeechToText] = _OfKind(
            lambda name: build(settings, Kind.STT, name),
            lambda pool: FallbackSpeechToText(pool, final_s=limits.stt_final_s),
            limits,
        )
        self._llm: _OfKind[LanguageModel] = _OfKind(
            lambda name: build(settings, Kind.LLM, name),
            lambda pool: FallbackLanguageModel(pool, llm_limits, llm_last),
            limits,
        )
        self._tts: _OfKind[TextToSpeech] = _OfKind(
            self._voice, lambda pool: FallbackTextToSpeech(pool, tts_limits), limits
        )

    def stt(self, names: Names) -> SpeechToText:
        return self._stt.of(_then(names, self._reserve.stt))

    def llm(self, names: Names) -> LanguageModel:
        return self._llm.of(_then(names, self._reserve.llm))

    def tts(self, names: Names) -> TextToSpeech:
        return self._tts.of(_then(names, self._reserve.tts))

    def speech(self, name: str) -> SpeechToSpeech:
        if name not in self._speech:
            self._speech[name] = self._build(self._settings, Kind.SPEECH, name)
        return self._speech[name]

    def detector(self, name: str) -> TurnDetector | None:
        """None for the empty name."""
        if name and name not in self._detectors:
            self._detectors[name] = self._build(self._settings, Kind.TURN, name)
        return self._detectors.get(name)

    async def close(self) -> None:
        for detector in self._detectors.values():
            await detector.close()
        for speech in self._speech.values():
            await speech.close()
        await self._stt.close()
        await self._llm.close()
        await self._tts.close()
        await self._store.close()

    def _voice(self, name: str) -> TextToSpeech:
        return CachingTextToSpeech(
            self._build(self._settings, Kind.TTS, name),
            self._store,
            provider=name,
            options=self._settings.providers.table(name),
            phrases=_fixed_phrases(self._settings.agents.values()),
        )


def _fixed_phrases(agents: Iterable[AgentSettings]) -> set[str]:
    """Of any language: a call may be in another one than its agent's."""
    texts: set[str] = set()
    for agent in agents:
        texts.add(agent.greeting)
        for tag in (*all_languages(), agent.language, *agent.languages):
            texts.update(wording(agent, tag).all)
    return texts


def _then(names: Names, reserve: Names) -> Names:
    return tuple(dict.fromkeys((*names, *reserve)))


class _OfKind(Generic[E]):
    """The engines of one kind, by name, and their lists."""

    def __init__(
        self, build: Callable[[str], E], join: Callable[[Pool[E]], E], limits: FallbackSettings
    ) -> None:
        self._build, self._join, self._limits = build, join, limits
        self._members: dict[str, Member[E]] = {}
        self._lists: dict[Names, E] = {}

    def of(self, names: Names) -> E:
        members = [self._member(name) for name in names]
        if names not in self._lists:
            self._lists[names] = self._join(Pool(members, self._limits.when))
        return self._lists[names]

    async def close(self) -> None:
        for member in self._members.values():
            await member.engine.close()

    def _member(self, name: str) -> Member[E]:
        if name not in self._members:
            breaker = CircuitBreaker(failures_max=self._limits.failures_max, rest_s=self._limits.rest_s)
            self._members[name] = Member(name, self._build(name), breaker)
        return self._members[name]
