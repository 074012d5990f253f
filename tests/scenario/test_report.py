"""Reports, for people and for CI."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as xml

from ari_bridge.scenario.expectations import Finding
from ari_bridge.scenario.report import Report, Verdict, junit, text

FAILED = Report(
    "turns/question",
    Verdict.FAILED,
    findings=(Finding("status: TRANSFER", "it was <HANGUP> \x07"), Finding("digits: 1")),
    timeline=("   1.00  caller   says “hello”",),
    call_s=12.0,
    took_s=0.5,
    artefacts=(Path("out/turns-question.svg"),),
)


def test_a_failure_says_what_was_wrong_and_what_happened() -> None:
    told = text(FAILED)
    assert told.splitlines()[0] == "failed   turns/question  (12 s of call in 0.5 s)"
    assert "✗ status: TRANSFER: it was <HANGUP>" in told
    assert "✓ digits: 1" in told
    assert "caller   says “hello”" in told
    assert "out/turns-question.svg" in told


def test_other_verdicts_are_a_line() -> None:
    assert text(Report("a", Verdict.PASSED, call_s=3.0, took_s=0.1)) == "passed   a  (3 s of call in 0.1 s)"
    assert text(Report("a", Verdict.BROKEN, reason="x.yaml:3: oops")) == "broken   a: x.yaml:3: oops"


def test_junit_counts_and_tells_each() -> None:
    reports = [
        FAILED,
        Report("b", Verdict.PASSED, took_s=1.0),
        Report("c", Verdict.SKIPPED, reason="model is for the pipeline only"),
        Report("d", Verdict.BROKEN, reason="d.yaml:1: oops"),
    ]
    suite = xml.fromstring(junit(reports, "shipped"))
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "1.500"}
    failure = suite.find("testcase[@name='turns/question']/failure")
    assert failure is not None
    assert failure.get("message") == "status: TRANSFER: it was <HANGUP> "
    assert "what happened" in (failure.text or "")
    skipped = suite.find("testcase[@name='c']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "model is for the pipeline only"
