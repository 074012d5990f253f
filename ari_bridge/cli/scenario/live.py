"""Scenarios through two private Asterisks and the real `ari-bridge run`, in real time.

Each scenario dials a number of its own, by which its agent is found, and its record afterwards. Scenarios
that lay the same values over the settings share a service; several call it at the same time.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ari_bridge import settings
from ari_bridge.cli.child import running_service
from ari_bridge.core.errors import AriBridgeError, SandboxError
from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.sandbox.caller import CallerResult, place_call
from ari_bridge.sandbox.debian import Progress
from ari_bridge.sandbox.evidence import gather, read_record
from ari_bridge.sandbox.lab import Lab, open_lab
from ari_bridge.sandbox.player import CallerEventKind
from ari_bridge.scenario import loading
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.pipeline import agent_of
from ari_bridge.scenario.played import Played
from ari_bridge.scenario.rehearsal import Task, judged
from ari_bridge.scenario.report import Report, Verdict
from ari_bridge.store.record import CallRecord

FIRST_DID = 5010
DIDS = 80
"""The numbers that the sandbox's dialplan routes by the settings."""
RECORD_WITHIN_S = 10.0

Show = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """One scenario, and the number it dials."""

    task: Task
    file: ScenarioFile
    did: str


async def play_live(chosen: Sequence[Task], parallel: int, progress: Progress, show: Show) -> list[Report]:
    """Raises SandboxError when the lab cannot be had."""
    reports: list[Report] = []
    parts: list[_Part] = []

    def told(report: Report) -> None:
        show(report)
        reports.append(report)

    for task in chosen:
        try:
            file = loading.load(task.path)
        except AriBridgeError as error:
            told(Report(task.name, Verdict.BROKEN, reason=str(error)))
            continue
        if file.pipeline_only:
            told(Report(task.name, Verdict.SKIPPED, reason=f"{file.pipeline_only} is for the pipeline only"))
        else:
            parts.append(_Part(task, file, str(FIRST_DID + len(parts) % DIDS)))
    if parts:
        with tempfile.TemporaryDirectory(prefix="scenarios-") as folder:
            async with open_lab(Path(folder) / "lab", progress=progress) as lab:
                for number, group in enumerate(_groups(parts)):
                    stage = _Stage(lab, Path(folder) / f"service-{number}", told)
                    await stage.play(group, parallel)
    return reports


def _groups(parts: Iterable[_Part]) -> Iterable[list[_Part]]:
    """Those that can share a service: a number leads to one agent in it."""
    groups: dict[tuple[str, str, int], list[_Part]] = defaultdict(list)
    for number, part in enumerate(parts):
        over = json.dumps(part.file.settings, sort_keys=True)
        groups[(str(part.task.config), over, number // DIDS)].append(part)
    return groups.values()


class _Stage:
    """One service, and the calls to it."""

    def __init__(self, lab: Lab, directory: Path, told: Show) -> None:
        self._lab, self._directory, self._told = lab, directory, told
        self._live: dict[str, list[LiveEvent]] = defaultdict(list)

    async def play(self, parts: Sequence[_Part], parallel: int) -> None:
        self._directory.mkdir(parents=True)
        first = parts[0]
        try:
            chosen = settings.load(first.task.config, first.file.settings)
            routes = {part.did: agent_of(part.file, chosen) for part in parts}
            log = self._directory / "service.log"
            variables = self._variables(routes, first.file.settings)
            async with running_service(first.task.config, log, self._observe, variables):
                free = asyncio.Semaphore(parallel)
                await asyncio.gather(*(self._one(part, free) for part in parts))
        except AriBridgeError as error:
            for part in parts:
                self._told(Report(part.task.name, Verdict.BROKEN, reason=str(error)))

    def _variables(self, routes: Mapping[str, str], over: Mapping[str, Any]) -> dict[str, str]:
        """The environment that puts the service before the lab's PBX, whatever its file says."""
        password = self._directory / "password"
        password.write_text(self._lab.pbx.ari_password, encoding="utf-8")
        own: dict[str, Any] = {
            "asterisk": {
                "url": self._lab.pbx.http_url,
                "username": "ari_bridge",
                "password_file": str(password),
                "app": "ari_bridge",
            },
            "records": {"directory": str(self._directory / "records")},
            "store": {"file": str(self._directory / "calls.db")},
            "web": {"enabled": False},
            "routes": dict(routes),
        }
        tables = {**over, **{key: {**over.get(key, {}), **table} for key, table in own.items()}}
        return {f"ARI_BRIDGE_{key.upper()}": json.dumps(table) for key, table in tables.items()}

    def _observe(self, event: LiveEvent) -> None:
        self._live[event.call_id].append(event)

    async def _one(self, part: _Part, free: asyncio.Semaphore) -> None:
        async with free:
            began_s = time.monotonic()
            try:
                script = replace(part.file.scenario(), did=part.did)
                result = await place_call(self._lab, script)
                record = await self._record(part.did)
            except AriBridgeError as error:
                took_s = time.monotonic() - began_s
                self._told(Report(part.task.name, Verdict.BROKEN, reason=str(error), took_s=took_s))
                return
            played = self._played(result, record)
            report = await asyncio.to_thread(judged, part.task, part.file, played, time.monotonic() - began_s)
            self._told(report)

    async def _record(self, did: str) -> CallRecord:
        deadline_s = time.monotonic() + RECORD_WITHIN_S
        while time.monotonic() < deadline_s:
            for path in (self._directory / "records").glob("*.json"):
                record = read_record(path)
                if record.did == did:
                    return record
            await asyncio.sleep(0.1)
        raise SandboxError("the call did not reach the agent, or left no record")

    def _played(self, result: CallerResult, record: CallRecord) -> Played:
        evidence = gather(
            record,
            result.recording,
            caller=[(event.at_s, event.kind.value, event.text) for event in result.events],
            hangup_cause=result.hangup_cause,
            human_answered=result.first(CallerEventKind.HUMAN_ANSWERED) is not None,
            problem=result.problem,
        )
        live = [event for event in self._live[record.call_id] if event.kind is not LiveKind.CALL_STARTED]
        return Played(evidence, result.recording, result.events, live)
