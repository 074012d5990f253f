"""A scenario against the pipeline itself, in virtual time: conversation, dialogue, media engine and voice
activity are the real ones, the PBX and the network are ours, and the clock is turned."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ari_bridge.actions.registry import actions
from ari_bridge.agents import build_agent
from ari_bridge.call import Agent, run_call
from ari_bridge.core.audio import Pcm16
from ari_bridge.core.errors import SettingsError
from ari_bridge.core.messages import Message
from ari_bridge.dialogue.live import LiveEvent
from ari_bridge.pbx.call import CallInfo, Outcome
from ari_bridge.providers.base import Kind
from ari_bridge.providers.engines import Engines
from ari_bridge.sandbox.ear import Noticed
from ari_bridge.sandbox.evidence import gather, read_record
from ari_bridge.sandbox.player import CallerEvent, CallerEventKind, Player
from ari_bridge.sandbox.scenario import Scenario
from ari_bridge.scenario.faults import faulty
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.played import Inside, Played
from ari_bridge.scenario.speech import speech_for
from ari_bridge.scenario.stand_ins import (
    ExactRecogniser,
    ModelStandIn,
    SpokenWords,
    ToolRun,
    noted_action,
    noted_tool,
    stand_in_tool,
)
from ari_bridge.scenario.virtual_engines import build
from ari_bridge.scenario.virtual_line import VirtualLine
from ari_bridge.scenario.virtual_pbx import VirtualCall, VirtualControl, VirtualTelephone, dialplan
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import Settings
from ari_bridge.switchboard import Switchboard
from ari_bridge.tools.workshop import Workshop

CALL_ID = "rehearsed"
LETS_GO_WITHIN_S = 5.0
"""After the caller has hung up: as the controller has it."""
_CODECS = {"ulaw": "ulaw", "alaw": "alaw"}
"""Legs for other codecs of the trunk are wideband: Asterisk transcodes."""
_WIDEBAND = "g722"


def play(file: ScenarioFile, settings: Settings) -> Played:
    """From the first ring to the end. Raises SettingsError, SandboxError."""
    return run(_Rehearsal(file, settings).play())


def agent_of(file: ScenarioFile, settings: Settings) -> str:
    """The agent that takes the call. Raises SettingsError."""
    routed = settings.routes.get(file.did) or settings.routes.get("default", "")
    only = next(iter(settings.agents)) if len(settings.agents) == 1 else ""
    name = file.agent or routed or only
    if name not in settings.agents:
        known = ", ".join(sorted(settings.agents)) or "none"
        raise SettingsError(f"agent: there is no agent {name!r} in the settings (there are: {known})")
    return name


class _Rehearsal:
    def __init__(self, file: ScenarioFile, settings: Settings) -> None:
        self._file, self._settings = file, settings
        self._agent = agent_of(file, settings)
        self._spoken = SpokenWords()
        self._asked: list[tuple[Message, ...]] = []
        self._tools: list[ToolRun] = []
        self._live: list[LiveEvent] = []
        self._outcome: Outcome | None = None

    async def play(self) -> Played:
        file, script = self._file, self._file.scenario()
        codec = _CODECS.get(script.codec, _WIDEBAND)
        line = VirtualLine(codec, script.line, self._settings.media)
        telephone, control = VirtualTelephone(), VirtualControl(file.person)
        speech = speech_for(script, line.spoken_rate_hz)
        player = _listened_to(script, telephone, line, speech, line.noticed, self._spoken)
        info = CallInfo(
            call_id=CALL_ID,
            channel_id="Virtual/caller-1",
            agent=self._agent,
            did=file.did,
            caller_number=file.caller_number,
            caller_name="",
            variables=file.variables,
        )
        call = VirtualCall(info, line.port, telephone, control)
        start_s = asyncio.get_running_loop().time()
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            async with AsyncExitStack() as stack:
                engines = Engines(self._settings, self._build)
                stack.push_async_callback(engines.close)
                workshop = await Workshop.open(self._settings, actions())
                stack.push_async_callback(workshop.close)
                agent = self._watched(build_agent(self._agent, self._settings, engines, workshop))
                running = asyncio.create_task(line.run(), name="line")
                stack.push_async_callback(_ended, running)
                player.tell(CallerEventKind.ANSWERED)
                talking = asyncio.create_task(self._talk(call, agent, Path(folder), telephone, line))
                stack.push_async_callback(_ended, talking)
                await _first_to_fail(player.play(script), talking)
                by = "other side" if telephone.ended.is_set() else "caller"
                end_s = asyncio.get_running_loop().time()
                player.tell(CallerEventKind.HUNG_UP, by)
                telephone.hang_up()
                await asyncio.wait({talking}, timeout=LETS_GO_WITHIN_S)
                player.report_heard()
                problem = player.problem
                if not talking.done():
                    problem = problem or "the agent did not let go of the call"
                else:
                    talking.result()
            record = read_record(Path(folder) / f"{CALL_ID}.json")
        recording = line.recording(start_s, end_s)
        events = sorted(player.events, key=lambda event: event.at_s)
        evidence = gather(
            record,
            recording,
            caller=[(event.at_s, event.kind.value, event.text) for event in events],
            hangup_cause=telephone.hangup_cause,
            human_answered=any(event.kind is CallerEventKind.HUMAN_ANSWERED for event in events),
            problem=problem,
        )
        inside = Inside(self._tools, control.done, self._asked[-1] if self._asked else (), self._outcome)
        return Played(evidence, recording, events, self._live, inside)

    async def _talk(
        self, call: VirtualCall, agent: Agent, folder: Path, telephone: VirtualTelephone, line: VirtualLine
    ) -> None:
        """The agent's part of the call, then the dialplan's."""
        self._outcome = await run_call(
            call,
            agent,
            observer=self._live.append,
            switchboard=Switchboard(),
            record_directory=folder,
            clock=asyncio.get_running_loop().time,
        )
        await dialplan(self._outcome, telephone, line)

    def _watched(self, agent: Agent) -> Agent:
        """The agent with the scenario's tools, all uses of tools and actions being noted."""
        declared = agent.tools.policy.declared
        replaced = {tool.name for tool in self._file.tools}
        tools = [
            *(declared(stand_in_tool(tool, self._tools)) for tool in self._file.tools),
            *(noted_tool(tool, self._tools) for tool in agent.tools.tools if tool.name not in replaced),
        ]
        return replace(
            agent,
            actions=[noted_action(action, self._tools) for action in agent.actions],
            tools=replace(agent.tools, tools=tools),
        )

    def _build(self, settings: Settings, kind: Kind, name: str) -> Any:
        file = self._file
        engine: Any
        if kind is Kind.STT and file.understands == "exactly":
            engine = ExactRecogniser(self._spoken)
        elif kind is Kind.LLM and (name in file.models or file.model):
            engine = ModelStandIn(file.models.get(name, file.model), self._asked)
        else:
            engine = build(settings, kind, name)
        return faulty(kind, name, engine, file.faults)


def _listened_to(
    script: Scenario,
    telephone: VirtualTelephone,
    line: VirtualLine,
    speech: Mapping[str, Pcm16],
    noticed: SimpleQueue[Noticed],
    spoken: SpokenWords,
) -> Player:
    """A player whose words are known as they are said."""

    def note(event: CallerEvent) -> None:
        if event.kind is CallerEventKind.SAYS:
            spoken.said(event.text, event.at_s, len(speech[event.text]) / line.spoken_rate_hz)

    return Player(telephone, line, speech, noticed, note)


async def _first_to_fail(playing: Any, talking: asyncio.Task[None]) -> None:
    """Until the caller has played its part; what goes wrong on the agent's side meanwhile is raised."""
    task = asyncio.create_task(playing, name="caller")
    try:
        waiting: set[asyncio.Task[None]] = {task, talking}
        while not task.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                finished.result()
    finally:
        await _ended(task)


async def _ended(task: asyncio.Task[None]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
