"""Scenario files: what they may hold, and how a mistake in one is told."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import SettingsError
from ari_bridge.sandbox.scenario import (
    Awaited,
    Hangup,
    Hold,
    MakeNoise,
    Pause,
    Press,
    Say,
    Sound,
    Voice,
    Wait,
)
from ari_bridge.scenario.format import Count, ScenarioFile
from ari_bridge.scenario.loading import find, load

WHOLE = """
about: Everything there is.
agent: desk
did: 5000
codec: g722
voice: flite
caller_number: "+441234"
line: { loss: 0.05, jitter_ms: 20 }
steps:
  - waits_for: agent_done
    within_s: 12
  - says: yes
  - says: stop
    interrupts_after_ms: 1500
  - backchannels: uh-huh
    interrupts_after_ms: 900
  - noise: cough
  - noise: babble
    lasts_ms: 9000
    level_dbfs: -40
    in_background: true
  - presses: 0815#
  - is_silent_ms: 500
  - holds_ms: 3000
  - hangs_up: true
expect:
  status: TRANSFER
  interruptions: { at_least: 1 }
  caller_turns: 2
"""


def loaded(text: str, tmp_path: Path) -> ScenarioFile:
    path = tmp_path / "call.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_a_file_is_the_caller_s_steps(tmp_path: Path) -> None:
    file = loaded(WHOLE, tmp_path)
    script = file.scenario()
    assert script.steps == (
        Wait(Awaited.AGENT_DONE, 12.0),
        Say("yes"),
        Say("stop", 1500),
        Say("uh-huh", 900, backchannel=True),
        MakeNoise(Sound.COUGH, 250),
        MakeNoise(Sound.BABBLE, 9000, -40.0, in_background=True),
        Press("0815#"),
        Pause(500),
        Hold(3000),
        Hangup(),
    )
    assert (script.codec, script.voice, script.caller_number) == ("g722", Voice.FLITE, "+441234")
    assert (script.line.loss, script.line.jitter_ms) == (0.05, 20.0)
    assert file.expect.interruptions == Count(at_least=1)
    assert file.expect.caller_turns == 2


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "null", "true", "12:30", "1_000", "0x10", "1e3"])
def test_what_a_caller_says_is_text_whatever_yaml_makes_of_it(word: str, tmp_path: Path) -> None:
    assert loaded(f"steps:\n  - says: {word}\n", tmp_path).scenario().lines == (word,)


VERBS = "needs one of says, backchannels, noise, presses, waits_for, is_silent_ms, holds_ms, hangs_up"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1: must be a table of keys"),
        ("- says: hello", "1: must be a table of keys"),
        ("about: nothing happens", "1: steps is missing"),
        ("steps: []", "1: steps: Tuple should have at least 1 item"),
        ("stepps:\n  - says: a\nsteps:\n  - says: a", "1: stepps: unknown key"),
        ("steps:\n  - says: a\n  - shouts: b", "3: steps.2.shouts: unknown key"),
        ("steps:\n  - within_s: 3", f"2: steps.1: {VERBS}; has none"),
        ("steps:\n  - says: a\n    presses: 1", f"2: steps.1: {VERBS}; has says and presses"),
        ("steps:\n  - says: a\n    within_s: 3", "2: steps.1: within_s does not belong to says"),
        (
            "steps:\n  - waits_for: godot",
            "2: steps.1.waits_for: Input should be 'agent_starts', 'agent_done'",
        ),
        ("steps:\n  - says: '  '", "2: steps.1.says: String should match pattern"),
        ("steps:\n  - hangs_up: false", "2: steps.1.hangs_up: can only be true"),
        ("steps:\n  - presses: 1 2", "2: steps.1.presses: String should match pattern"),
        (
            "steps:\n  - says: a\n  - is_silent_ms: soon",
            "3: steps.2.is_silent_ms: Input should be a valid int",
        ),
        ("steps:\n  - says: a\nexpect:\n  status: HAPPY", "4: expect.status: Input should be 'COMPLETED'"),
        (
            "steps:\n  - says: a\nexpect:\n  agent_says: [ '(' ]",
            "4: expect.agent_says.1: not a regular expre",
        ),
        ("steps:\n  - says: a\nexpect:\n  yields_in_ms: 3", "4: expect.yields_in_ms: unknown key"),
        ("steps:\n  - says: a\nline:\n  loss: 5", "4: line.loss: Input should be less than or equal to 0.9"),
        ("steps:\n  - says: a\nabout: x\nabout: y", "4: about: is there twice"),
        ("steps: [", "1: not valid YAML"),
        ("steps:\n  - says: &a x\n  - says: *b", "3: not valid YAML: found undefined alias"),
    ],
)
def test_a_mistake_is_one_line_with_file_line_and_key(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(text, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'call.yaml'}:{complaint}")
    assert "\n" not in str(caught.value)


def test_files_are_found_below_a_directory(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/c.yml", "a/d.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in find(tmp_path)] == [
        "a/c.yml",
        "a/d.yaml",
        "b.yaml",
    ]
    assert find(tmp_path / "b.yaml") == [tmp_path / "b.yaml"]
    with pytest.raises(SettingsError, match="no such file or directory"):
        find(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="has no scenario"):
        find(tmp_path / "empty")


def test_what_needs_the_pipeline_is_named(tmp_path: Path) -> None:
    assert loaded("steps:\n  - says: a\n", tmp_path).pipeline_only == ""
    assert loaded("steps:\n  - holds_ms: 3\n", tmp_path).pipeline_only == "holds_ms"
    assert loaded("model:\n  - says: a\nsteps:\n  - says: a\n", tmp_path).pipeline_only == "model"


@given(st.text(max_size=200))
def test_any_text_is_a_scenario_or_a_clear_error(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.yaml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            assert load(path).steps
        except SettingsError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either is right
