"""The demo's call, placed by a test, and what its file expects of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ari_bridge.cli.demo import DEMO as DEMO_FILE
from ari_bridge.sandbox.caller import CallerResult
from ari_bridge.sandbox.evidence import gather, read_record
from ari_bridge.sandbox.player import CallerEventKind
from ari_bridge.scenario import loading
from ari_bridge.scenario.expectations import findings
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.played import Played

DEMO = loading.load(DEMO_FILE)
GREETING = "Hello, this is the reception. How can I help you? For the status of your order, press one."


def played(record: Path, result: CallerResult) -> Played:
    evidence = gather(
        read_record(record),
        result.recording,
        caller=[(event.at_s, event.kind.value, event.text) for event in result.events],
        hangup_cause=result.hangup_cause,
        human_answered=result.first(CallerEventKind.HUMAN_ANSWERED) is not None,
        problem=result.problem,
    )
    return Played(evidence, result.recording, result.events, ())


def judged(file: ScenarioFile, service: Any, result: CallerResult) -> list[str]:
    """What was otherwise than `file` expects."""
    (record,) = service.records.glob("*.json")
    found = findings(file, played(record, result))
    return [f"{finding.expectation}: {finding.problem}" for finding in found if finding.problem]
