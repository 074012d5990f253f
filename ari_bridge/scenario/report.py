"""What came of one scenario: for a terminal, for JUnit, and as files beside it when it failed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from xml.etree import ElementTree as xml

from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.picture import draw
from ari_bridge.sandbox.player import CallerEventKind
from ari_bridge.scenario.expectations import Finding
from ari_bridge.scenario.played import Played


class Verdict(Enum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It cannot be played this way."""
    BROKEN = "broken"
    """The file, the settings or the lab are at fault."""


@dataclass(frozen=True, slots=True)
class Report:
    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why it was skipped or is broken."""
    timeline: tuple[str, ...] = ()
    call_s: float = 0.0
    """How long the call was,"""
    took_s: float = 0.0
    """and how long its rehearsal."""
    artefacts: tuple[Path, ...] = ()

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.problem]

    @property
    def good(self) -> bool:
        return self.verdict in (Verdict.PASSED, Verdict.SKIPPED)


_CALLER = {
    CallerEventKind.SAYS: "caller   says “{}”",
    CallerEventKind.PRESSED: "caller   presses {}",
    CallerEventKind.MAKES_NOISE: "caller   ({})",
    CallerEventKind.HOLDS: "caller   puts the agent on hold",
    CallerEventKind.IS_BACK: "caller   takes it off hold",
    CallerEventKind.HUMAN_ANSWERED: "phone    somebody else answers",
    CallerEventKind.HUNG_UP: "phone    the {} hangs up",
}
_AGENT = {
    LiveKind.CALLER_SAID: "agent    understood “{}”",
    LiveKind.AGENT_SAYS: "agent    says “{}”",
    LiveKind.AGENT_PAUSED: "agent    pauses",
    LiveKind.AGENT_RESUMED: "agent    goes on",
    LiveKind.AGENT_INTERRUPTED: "agent    is interrupted; heard was “{}”",
    LiveKind.TOOL: "tool     {}",
    LiveKind.CALL_ENDED: "call     ended: {}",
}


def timeline(played: Played) -> tuple[str, ...]:
    """What happened, both sides, in order of time; a line each, beginning with the seconds of the call."""
    lines = [
        (played.at_ms(event.at_s), _CALLER[event.kind].format(event.text))
        for event in played.caller
        if event.kind in _CALLER
    ]
    lines += [
        (played.at_ms(event.at_s), _AGENT[event.kind].format(event.text))
        for event in played.live
        if event.kind in _AGENT
    ]
    return tuple(f"{at_ms / 1000:7.2f}  {text}" for at_ms, text in sorted(lines))


def write_artefacts(name: str, played: Played, found: Sequence[Finding], directory: Path) -> tuple[Path, ...]:
    """The call as picture, sound and table, for who looks into a failure. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    base = directory / name.replace("/", "-")
    svg, wav, table = (base.with_name(f"{base.name}.{kind}") for kind in ("svg", "wav", "json"))
    recording = played.recording
    svg.write_text(draw(played.evidence, recording.caller, recording.agent, recording.rate_hz), "utf-8")
    recording.write_wav(wav)
    values = {
        "findings": [{"expectation": f.expectation, "problem": f.problem} for f in found],
        "timeline": timeline(played),
        **played.evidence.to_dict(),
    }
    table.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return svg, wav, table


def text(report: Report) -> str:
    """A line; where it failed, what was wrong and what happened."""
    line = f"{report.verdict.value:<8} {report.name}"
    if report.call_s:
        line += f"  ({report.call_s:.0f} s of call in {report.took_s:.1f} s)"
    if report.reason:
        line += f": {report.reason}"
    if report.verdict is not Verdict.FAILED:
        return line
    parts = [line]
    parts += [f"    ✗ {finding.expectation}: {finding.problem}" for finding in report.problems]
    parts += [f"    ✓ {finding.expectation}" for finding in report.findings if not finding.problem]
    parts.append("    what happened:")
    parts += [f"      {happened}" for happened in report.timeline]
    if report.artefacts:
        parts.append(f"    see {', '.join(str(path) for path in report.artefacts)}")
    return "\n".join(parts)


def junit(reports: Sequence[Report], suite_name: str) -> str:
    """JUnit's XML, as CI systems read it (testmoapp/junitxml describes the dialect)."""
    suite = xml.Element(
        "testsuite",
        name=suite_name,
        tests=str(len(reports)),
        failures=str(sum(report.verdict is Verdict.FAILED for report in reports)),
        errors=str(sum(report.verdict is Verdict.BROKEN for report in reports)),
        skipped=str(sum(report.verdict is Verdict.SKIPPED for report in reports)),
        time=f"{sum(report.took_s for report in reports):.3f}",
    )
    for report in reports:
        case = xml.SubElement(
            suite, "testcase", classname=suite_name, name=report.name, time=f"{report.took_s:.3f}"
        )
        if report.verdict is Verdict.SKIPPED:
            xml.SubElement(case, "skipped", message=report.reason)
        elif report.verdict is Verdict.BROKEN:
            xml.SubElement(case, "error", message=report.reason)
        elif report.verdict is Verdict.FAILED:
            first = report.problems[0]
            failure = xml.SubElement(case, "failure", message=_clean(f"{first.expectation}: {first.problem}"))
            failure.text = _clean(text(report))
    return xml.tostring(suite, encoding="unicode", xml_declaration=True)


def _clean(value: str) -> str:
    """Without what XML 1.0 cannot hold (section 2.2)."""
    return "".join(c for c in value if c in "\t\n" or ord(c) >= 32)
