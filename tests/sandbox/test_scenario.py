"""Scenario files: what they say, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.scenario import (
    Awaited,
    Hangup,
    Pause,
    Press,
    Say,
    Scenario,
    Voice,
    Wait,
    load,
    parse,
)

WHOLE = """
did = "5000"
codec = "alaw"
voice = "espeak"
caller_number = "+441234"
[[step]]
wait = "agent_done"
timeout_s = 12
[[step]]
say = "what are your opening hours"
[[step]]
say = "stop"
interrupt_after_ms = 1500
[[step]]
press = "1#"
[[step]]
pause_ms = 500
[[step]]
hangup = true
"""


def test_a_whole_scenario(tmp_path: Path) -> None:
    path = tmp_path / "call.toml"
    path.write_text(WHOLE)
    assert load(path) == Scenario(
        did="5000",
        codec="alaw",
        voice=Voice.ESPEAK,
        caller_number="+441234",
        steps=(
            Wait(Awaited.AGENT_DONE, 12.0),
            Say("what are your opening hours"),
            Say("stop", interrupt_after_ms=1500),
            Press("1#"),
            Pause(500),
            Hangup(),
        ),
    )


def test_what_is_left_out_has_a_default() -> None:
    scenario = parse({"did": "5000", "step": [{"wait": "hangup"}]})
    assert (scenario.codec, scenario.voice) == ("ulaw", Voice.FLITE)
    assert scenario.steps == (Wait(Awaited.HANGUP, 20.0),)


VERBS = "needs one of wait, say, press, pause_ms, hangup"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[step]]\nhangup = true", "did: missing"),
        ("did = '5000'", "step: missing"),
        ("did = '5000'\nstep = []", "step: must be one or more [[step]] tables"),
        ("did = '50 00'\n[[step]]\nhangup = true", "did: must be a text like"),
        ("did = '1'\ncodek = 'ulaw'\n[[step]]\nhangup = true", "codek: unknown key"),
        ("did = '1'\ncodec = 'mp3'\n[[step]]\nhangup = true", "codec: must be one of ulaw, alaw"),
        ("did = '1'\n[[step]]\nsay = 'a'\npress = '1'", f"step 1: {VERBS}; has say and press"),
        ("did = '1'\n[[step]]\ntimeout_s = 1", f"step 1: {VERBS}; has none"),
        ("did = '1'\n[[step]]\nhangup = true\n[[step]]\nwait = 'a'", "step 2: wait: must be one of agent_st"),
        ("did = '1'\n[[step]]\nwait = 'hangup'\ntimeout_s = -1", "step 1: timeout_s: must be a number from"),
        ("did = '1'\n[[step]]\nwait = 'hangup'\ntimeout_s = true", "step 1: timeout_s: must be a number"),
        ("did = '1'\n[[step]]\nsay = '  '", "step 1: say: must be a text"),
        ("did = '1'\n[[step]]\nsay = 'a'\ntimeout_s = 1", "step 1: timeout_s: unknown key"),
        ("did = '1'\n[[step]]\nhangup = false", "step 1: hangup: must be true"),
        ("did = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "call.toml"
    path.write_text(text)
    with pytest.raises(SandboxError) as failure:
        load(path)
    assert complaint in str(failure.value)
    assert str(failure.value).startswith(f"{path}: ")
    assert "\n" not in str(failure.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"nothing\.toml: cannot be read: No such file"):
        load(tmp_path / "nothing.toml")


TEXT = st.text(alphabet="a1# ", max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["did", "codec", "voice", "step", "say", "press", "wait", "hangup", "other"])


@given(st.dictionaries(keys, values | st.lists(st.dictionaries(keys, values), max_size=3)))
def test_any_table_is_a_scenario_or_a_clear_error(table: dict[str, Any]) -> None:
    try:
        scenario = parse(table)
    except SandboxError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
        return
    assert scenario.did
    assert scenario.steps
