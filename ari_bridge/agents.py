"""Agents as the settings describe them, with their engines, actions and tools, ready for calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.call import Agent
from ari_bridge.conversation.cascade import CascadedConversation, CascadeEngines, Tongue
from ari_bridge.conversation.line import Brief, Conversation
from ari_bridge.conversation.speech import SpeechConversation, SpeechEngines
from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.engines import Engines
from ari_bridge.settings import AgentSettings, LanguageSettings, Settings
from ari_bridge.tools.workshop import Workshop

Converse: TypeAlias = Callable[[Brief], Conversation]


def build_agents(settings: Settings, engines: Engines, tools: Workshop) -> dict[str, Agent]:
    """All of them, by name. Raises SettingsError."""
    return {name: build_agent(name, settings, engines, tools) for name in settings.agents}


def build_agent(name: str, settings: Settings, engines: Engines, tools: Workshop) -> Agent:
    """Raises SettingsError."""
    agent, verbs = settings.agents[name], actions()
    for verb in agent.actions:
        if verb not in verbs:
            known = ", ".join(sorted(verbs))
            raise SettingsError(f"agents.{name}.actions: there is no {verb!r} (there are {known})")
    languages = _languages(agent, engines)
    converse = _speech(agent, engines) if agent.speech else _cascade(agent, engines, languages)
    context = ActionContext(settings.destinations, settings.digits, settings.control)
    return Agent(
        name=name,
        settings=agent,
        max_duration_s=settings.limits.max_duration_s,
        converse=converse,
        actions=list(verbs.values()),
        action_context=replace(context, languages=tuple(languages)),
        tools=tools.for_agent(name),
    )


def _speech(agent: AgentSettings, engines: Engines) -> Converse:
    voice = engines.tts(agent.own_voice) if agent.own_voice else None
    own = SpeechEngines(engines.speech(agent.speech), voice)

    def converse(brief: Brief) -> Conversation:
        return SpeechConversation(brief, own)

    return converse


def _cascade(agent: AgentSettings, engines: Engines, languages: Mapping[str, Tongue]) -> Converse:
    cascade = CascadeEngines(
        engines.stt(agent.stt),
        engines.llm(agent.llm),
        engines.tts(agent.tts),
        languages,
        engines.detector(agent.turns.detector),
    )

    def converse(brief: Brief) -> Conversation:
        return CascadedConversation(brief, cascade)

    return converse


def _languages(agent: AgentSettings, engines: Engines) -> dict[str, Tongue]:
    """Those that the agent can switch between, its first one included; none where there is only that."""
    if not agent.languages:
        return {}
    tongues = {agent.language: LanguageSettings(), **agent.languages}
    return {
        tag: Tongue(engines.stt(tongue.stt or agent.stt), engines.tts(tongue.tts or agent.tts))
        for tag, tongue in tongues.items()
    }
