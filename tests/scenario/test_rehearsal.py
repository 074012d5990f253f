"""Rehearsed calls in virtual time: the whole pipeline, and what comes of it."""

from __future__ import annotations

import time
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from ari_bridge.cli.main import main
from ari_bridge.core.audio import dbfs
from ari_bridge.core.errors import SettingsError
from ari_bridge.scenario import loading, rehearsal
from ari_bridge.scenario.pipeline import play
from ari_bridge.scenario.played import Played
from ari_bridge.scenario.rehearsal import Task, rehearse, run_all, tasks
from ari_bridge.scenario.report import Verdict, timeline
from ari_bridge.settings import load as load_settings

SHIPPED = Path(rehearsal.__file__).parent / "shipped"
SETTINGS = """
[agents.desk]
greeting = "Hello, this is the desk."
[destinations.human]
context = "humans"
"""
CALL = """
agent: desk
understands: exactly
model:
  - when: story
    says: Once upon a time there was a king who had three daughters, and all of them liked to talk for long.
  - when: person
    says: One moment.
    calls: [{ tool: transfer, with: { destination: human } }]
  - says: I see.
"""


def scenario(tmp_path: Path, text: str, *, call: str = CALL, settings: str = SETTINGS) -> Task:
    (tmp_path / "ari_bridge.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "call.yaml").write_text(call + text, encoding="utf-8")
    (task,) = tasks(tmp_path, None, tmp_path / "out")
    return task


def played(task: Task) -> Played:
    file = loading.load(task.path)
    return play(file, load_settings(task.config, file.settings))


STORY = """
steps:
  - waits_for: agent_done
  - says: tell me a story
  - says: stop that now
    interrupts_after_ms: 2000
  - waits_for: agent_done
"""


def test_a_call_of_half_a_minute_is_over_at_once(tmp_path: Path) -> None:
    task = scenario(tmp_path, STORY)
    rehearse(task)  # what is loaded once is loaded
    began_s = time.monotonic()
    report = rehearse(task)
    assert report.verdict is Verdict.PASSED
    assert report.call_s > 9
    assert report.call_s / (time.monotonic() - began_s) > 3  # some 30 on a machine that does nothing else


def test_it_is_the_same_call_each_time(tmp_path: Path) -> None:
    task = scenario(tmp_path, STORY + "line: { loss: 0.1, jitter_ms: 20, noise_dbfs: -55 }\n")
    first, second = played(task), played(task)
    assert timeline(first) == timeline(second)
    assert first.evidence.turns == second.evidence.turns


def test_both_sides_are_on_one_time_axis(tmp_path: Path) -> None:
    call = played(scenario(tmp_path, STORY))
    rate_hz = call.recording.rate_hz
    said = next(event for event in call.caller if event.text == "stop that now")
    at = round(call.at_ms(said.at_s) * rate_hz / 1000)
    assert dbfs(call.recording.caller[at - 800 : at - 160]) < -60
    assert dbfs(call.recording.caller[at + 400 : at + 2400]) > -35
    turn = next(turn for turn in call.evidence.turns if turn.interrupted)
    assert "king" in turn.text
    assert turn.heard is not None
    assert "talk" not in turn.heard


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("settings: { agents: { desk: { turns: { barge_in: false } } } }", "yields_within_ms"),
        ("settings: { agents: { desk: { tts: nobody } } }", "providers.nobody: 'nobody' is no tts provider"),
        ("settings: { agents: { desk: { turn: {} } } }", "agents.desk.turn: unknown key"),
        ("faults: [{ engine: script, does: fails, until: 9 }]", "agent_says"),
    ],
)
def test_what_is_wrong_with_an_agent_comes_to_light(tmp_path: Path, change: str, problem: str) -> None:
    expect = "expect:\n  yields_within_ms: 300\n  agent_says: [king, i see]\n"
    report = rehearse(scenario(tmp_path, f"{STORY}{expect}{change}\n"))
    assert not report.good
    told = [report.reason, *(finding.expectation for finding in report.problems)]
    assert any(problem in line for line in told), told


def test_a_failed_call_leaves_picture_sound_and_table(tmp_path: Path) -> None:
    report = rehearse(scenario(tmp_path, STORY + "expect: { status: TRANSFER }\n"))
    assert report.verdict is Verdict.FAILED
    svg, wav, table = report.artefacts
    xml.fromstring(svg.read_text("utf-8"))
    assert wav.stat().st_size > 100_000
    assert '"status: TRANSFER"' in table.read_text("utf-8")
    assert any("is interrupted" in line for line in report.timeline)


def test_after_a_transfer_somebody_answers(tmp_path: Path) -> None:
    text = "steps:\n  - waits_for: agent_done\n  - says: a person please\n  - waits_for: human_answers\n"
    call = played(scenario(tmp_path, text))
    assert call.evidence.human_answered
    assert call.inside is not None
    assert [run.name for run in call.inside.tools] == ["transfer"]
    assert call.inside.outcome is not None
    assert call.inside.outcome.context == "humans"


def test_loss_and_echo_are_on_the_line(tmp_path: Path) -> None:
    text = "steps:\n  - waits_for: agent_done\n  - says: tell me a story\n  - waits_for: agent_done\n"
    clean = played(scenario(tmp_path, text))
    lossy = played(scenario(tmp_path, text + "line: { loss: 0.2, burst: 3 }\n"))
    assert clean.evidence.media["lost"] == 0
    lost = lossy.evidence.media["lost"]
    assert 0.1 < lost / (lost + lossy.evidence.media["received"]) < 0.3
    assert lossy.evidence.media["concealed_ms"] > 0


def test_the_nearest_settings_count_and_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for place in ("x.yaml", "a/b/y.yaml"):
        (tmp_path / place).write_text("steps:\n  - says: a\n")
    with pytest.raises(SettingsError, match=r"there is no ari_bridge\.toml beside it; name the agent's"):
        tasks(tmp_path, None, tmp_path)
    for place in (".", "a"):
        (tmp_path / place / "ari_bridge.toml").write_text(SETTINGS)
    found = {task.name: task.config.parent for task in tasks(tmp_path, None, tmp_path)}
    assert found == {"x": tmp_path, "a/b/y": tmp_path / "a"}
    given = tasks(tmp_path, Path("other.toml"), tmp_path)
    assert {task.config for task in given} == {Path("other.toml")}


def test_an_agent_that_is_not_there_is_named(tmp_path: Path) -> None:
    report = rehearse(scenario(tmp_path, "", call="agent: nobody\nsteps:\n  - says: a\n"))
    assert report.verdict is Verdict.BROKEN
    assert report.reason == "agent: there is no agent 'nobody' in the settings (there are: desk)"


QUICK = (
    "turns/plain-yes",
    "interruptions/stop",
    "backchannels/uh-huh",
    "flow/slow-model",
    "keys/masked",
    "control/attended-transfer",
    "engines/model-breaks-off",
    "line/bad-line",
)
"""One of each kind; `make scenarios` plays them all."""


def test_shipped_scenarios_hold_two_at_a_time(tmp_path: Path) -> None:
    chosen = [task for task in tasks(SHIPPED, None, tmp_path) if task.name in QUICK]
    assert len(chosen) == len(QUICK)
    reports = list(run_all(chosen, 2))
    assert sorted(report.name for report in reports) == sorted(QUICK)
    assert [(report.name, report.problems, report.reason) for report in reports if not report.good] == []


def test_there_are_enough_and_all_can_be_read() -> None:
    files = [loading.load(path) for path in loading.find(SHIPPED)]
    assert len(files) >= 40
    assert all(file.about for file in files)
    assert all(file.expect.model_fields_set for file in files)
    assert sum(not file.pipeline_only for file in files) >= 10


def test_the_command_tells_each_and_the_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario(tmp_path, STORY + "expect: { interruptions: 1 }\n")
    (tmp_path / "wrong.yaml").write_text("steps:\n  - shouts: a\n")
    junit = tmp_path / "out/junit.xml"
    code = main(["scenario", "run", str(tmp_path), "--junit", str(junit), "--out", str(tmp_path / "out")])
    told = capsys.readouterr().out
    assert code == 1
    assert "[1/2] passed   call" in told
    assert "[2/2] broken   wrong: " in told
    assert "wrong.yaml:2: steps.1.shouts: unknown key" in told
    assert "1 passed, 1 broken" in told
    assert xml.fromstring(junit.read_text("utf-8")).get("errors") == "1"
    assert main(["scenario", "check", str(tmp_path)]) == 1
    assert "wrong.yaml:2" in capsys.readouterr().err
    (tmp_path / "wrong.yaml").unlink()
    assert main(["scenario", "check", str(tmp_path)]) == 0
