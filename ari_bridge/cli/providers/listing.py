"""Which engines are installed, which are configured, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.base import Kind
from ari_bridge.providers.registry import all_providers, build_provider, provider_of
from ari_bridge.settings import AgentSettings, Settings


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    """Of the table, or of the provider where it has none."""
    provider: str
    kind: Kind
    summary: str
    is_configured: bool
    """It has a table, or an agent uses it."""
    used_by: tuple[str, ...]
    """Agents."""
    trouble: str
    """Why it cannot be used as it is; "" when it can, as far as its options tell."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "kind": self.kind.value}


async def entries(settings: Settings) -> list[Entry]:
    """The tables of the settings first, then the providers that have none. Nothing is connected to. Raises
    SettingsError where a table is of no provider."""
    tables = settings.providers.names
    names = [*tables, *sorted(all_providers().keys() - set(tables))]
    return [await _entry(settings, name) for name in names]


async def _entry(settings: Settings, name: str) -> Entry:
    provider = provider_of(settings, name)
    used_by = tuple(agent for agent, its in settings.agents.items() if name in _engines(its))
    return Entry(
        name=name,
        provider=provider.name,
        kind=provider.kind,
        summary=provider.summary,
        is_configured=bool(used_by) or name in settings.providers.names,
        used_by=used_by,
        trouble=await _trouble(settings, provider.kind, name),
    )


async def _trouble(settings: Settings, kind: Kind, name: str) -> str:
    try:
        engine = build_provider(settings, kind, name)
    except SettingsError as error:
        return str(error)
    await engine.close()
    return ""


def _engines(agent: AgentSettings) -> Iterable[str]:
    yield agent.turns.detector
    if agent.speech:
        yield from (agent.speech, *agent.own_voice)
        return
    yield from (*agent.stt, *agent.llm, *agent.tts)
    for tongue in agent.languages.values():
        yield from (*(tongue.stt or ()), *(tongue.tts or ()))
