from __future__ import annotations

from pathlib import Path

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.llm.script import EXAMPLE
from ari_bridge.providers.llm.script_file import load_script

_RULE = '[[rules]]\nname = "hours"\npatterns = ["when are you open"]\nreply = "At nine."\n'


def test_the_shipped_example_is_sound_and_lists_what_callers_say() -> None:
    script = load_script(EXAMPLE)
    assert "tell me about the company" in script.sentences
    assert len(script.sentences) == len(set(script.sentences))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "rules: Field required"),
        ("nonsense", "not valid TOML"),
        (_RULE + "colour = 1\n", "rule 'hours': colour: unknown key"),
        (_RULE + _RULE, "rule 'hours': name: another rule has it already"),
        (_RULE.replace("when", "[when"), "rule 'hours': patterns[0]: '[' is not closed by ']'"),
        (_RULE.replace("At nine", "At {time}"), "rule 'hours': reply[0]: {time} is in none of its patterns"),
        (_RULE + 'then = "{results}"\n', "rule 'hours': then: {results} is in none of its patterns"),
        (_RULE + 'after = "dawn"\n', "rule 'hours': after: there is no rule 'dawn'"),
        (_RULE + 'digit = "12"\n', "rule 'hours': digit: "),
        ('[[rules]]\nname = "x"\nreply = "y"\n', "rule 'x': patterns: needs at least one, or a digit"),
        ('[[rules]]\nname = "x"\ndigit = "1"\n', "rule 'x': reply: is missing"),
        (_RULE.replace("when are", "(a|b|c|d|e|f) " * 4), "more than 500 sentences"),
        ("[[rules]]\nreply = 5\n", "rule number 1: name: Field required"),
    ],
)
def test_a_mistake_is_one_line_with_file_rule_and_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_script(path)
    message = str(caught.value)
    assert problem in message
    assert "desk.toml" in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*nowhere.toml: No such file"):
        load_script(tmp_path / "nowhere.toml")
