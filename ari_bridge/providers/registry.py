"""Which providers there are, and how one is built from its settings table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, overload

from pydantic import ValidationError

from ari_bridge.core.errors import InternalError, SettingsError
from ari_bridge.core.registry import discover
from ari_bridge.providers import llm, speech, stt, tts
from ari_bridge.providers.base import (
    Kind,
    LanguageModel,
    Options,
    Provider,
    SpeechToText,
    TextToSpeech,
    TurnDetector,
)
from ari_bridge.providers.speech.base import SpeechToSpeech
from ari_bridge.settings import Settings, explain


@lru_cache(maxsize=1)
def all_providers() -> Mapping[str, Provider]:
    """Every provider in the folders of the kinds, by name; names differ across kinds."""
    found: dict[str, Provider] = {}
    for package in (stt, llm, tts, speech):
        for name, provider in discover(package, "PROVIDER", Provider).items():
            if name in found:
                raise InternalError(f"{package.__name__}: the name {name!r} is taken by another kind")
            found[name] = provider
    return MappingProxyType(found)


def provider_of(settings: Settings, name: str) -> Provider:
    """What an agent's `name` stands for, of whatever kind. Raises SettingsError."""
    wanted = str(settings.providers.table(name).get("use", name))
    if wanted not in all_providers():
        known = ", ".join(sorted(all_providers()))
        raise SettingsError(f"providers.{name}: there is no provider {wanted!r} (there are: {known})")
    return all_providers()[wanted]


@overload
def build_provider(settings: Settings, kind: Literal[Kind.STT], name: str) -> SpeechToText: ...
@overload
def build_provider(settings: Settings, kind: Literal[Kind.LLM], name: str) -> LanguageModel: ...
@overload
def build_provider(settings: Settings, kind: Literal[Kind.TTS], name: str) -> TextToSpeech: ...
@overload
def build_provider(settings: Settings, kind: Literal[Kind.SPEECH], name: str) -> SpeechToSpeech: ...
@overload
def build_provider(settings: Settings, kind: Literal[Kind.TURN], name: str) -> TurnDetector: ...
@overload
def build_provider(settings: Settings, kind: Kind, name: str) -> Any: ...


def build_provider(settings: Settings, kind: Kind, name: str) -> Any:
    """The engine that an agent calls `name`: [providers.NAME] says which provider and with which options.

    Raises SettingsError: an unknown provider, one of another kind, or an option that is wrong.
    """
    options = settings.providers.table(name)
    return build(str(options.pop("use", name)), kind, options, table=f"providers.{name}")


def build(provider_name: str, kind: Kind, options: Options, *, table: str) -> Any:
    """Check `options` and build. Every message starts with `table` (say "providers.espeak") and the key."""
    provider = all_providers().get(provider_name)
    if provider is None or provider.kind is not kind:
        known = ", ".join(sorted(p.name for p in all_providers().values() if p.kind is kind)) or "none"
        raise SettingsError(f"{table}: {provider_name!r} is no {kind.value} provider (there are: {known})")
    try:
        checked = provider.options.model_validate(dict(options))
    except ValidationError as error:
        raise SettingsError(explain(error, table)) from None
    try:
        return provider.build(checked)
    except SettingsError as error:
        raise SettingsError(f"{table}.{error}") from None
