"""The composition root: builds everything from the settings, serves calls, stops clean."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.call import Agent, run_call
from ari_bridge.core.errors import SettingsError
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.media.port import ProcessPlane
from ari_bridge.pbx.call import Outcome, PbxCall
from ari_bridge.pbx.controller import Controller
from ari_bridge.providers.base import Kind, LanguageModel, SpeechToText, TextToSpeech
from ari_bridge.providers.registry import build_provider
from ari_bridge.settings import Settings
from ari_bridge.switchboard import Switchboard

log = logging.getLogger(__name__)


def _unobserved(event: LiveEvent) -> None:
    pass


async def serve(
    settings: Settings,
    *,
    observer: Observer = _unobserved,
    ready: Callable[[], None] = lambda: None,
    switchboard: Switchboard | None = None,
) -> None:
    """Answer calls until cancelled.

    Everything that can be wrong with the settings, the engines, the UDP port or the PBX is found before
    `ready` is called, and raised as an AriBridgeError of one line. On cancellation each call is handed
    back to the dialplan; nothing is left on the PBX. `switchboard` gets the live calls.
    """
    if not settings.agents:
        raise SettingsError("agents: there is no agent; add a table [agents.NAME]")
    engines = _Engines(settings)
    board = switchboard or Switchboard()
    try:
        agents = _agents(settings, engines)

        async def handle(call: PbxCall) -> Outcome:
            return await run_call(
                call,
                agents[call.info.agent],
                observer=observer,
                switchboard=board,
                record_directory=settings.records.directory,
            )

        plane = await ProcessPlane.start(settings.media)
        try:
            controller = Controller(settings, plane, handle)
            with board.placing_calls(settings.outbound, controller.place):
                await controller.run(ready)
        finally:
            await plane.close()
    finally:
        await engines.close()


class _Engines:
    """Builds each engine the agents name, once, and closes them all."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stt: dict[str, SpeechToText] = {}
        self._llm: dict[str, LanguageModel] = {}
        self._tts: dict[str, TextToSpeech] = {}

    def stt(self, name: str) -> SpeechToText:
        if name not in self._stt:
            self._stt[name] = build_provider(self._settings, Kind.STT, name)
        return self._stt[name]

    def llm(self, name: str) -> LanguageModel:
        if name not in self._llm:
            self._llm[name] = build_provider(self._settings, Kind.LLM, name)
        return self._llm[name]

    def tts(self, name: str) -> TextToSpeech:
        if name not in self._tts:
            self._tts[name] = build_provider(self._settings, Kind.TTS, name)
        return self._tts[name]

    async def close(self) -> None:
        engines: list[SpeechToText | LanguageModel | TextToSpeech]
        engines = [*self._stt.values(), *self._llm.values(), *self._tts.values()]
        for engine in engines:
            await engine.close()


def _agents(settings: Settings, engines: _Engines) -> dict[str, Agent]:
    context = ActionContext(settings.destinations, settings.digits, settings.control)
    verbs = actions()
    for name, agent in settings.agents.items():
        for verb in agent.actions:
            if verb not in verbs:
                known = ", ".join(sorted(verbs))
                raise SettingsError(f"agents.{name}.actions: there is no {verb!r} (there are {known})")
    return {
        name: Agent(
            name=name,
            settings=agent,
            stt=engines.stt(agent.stt),
            llm=engines.llm(agent.llm),
            tts=engines.tts(agent.tts),
            actions=list(verbs.values()),
            action_context=context,
        )
        for name, agent in settings.agents.items()
    }
