"""What a model gets wrong is told in one line, without the values."""

from __future__ import annotations

from typing import Any

import pytest

from ari_bridge.tools.arguments import problem, redacted, schema_problem, without_secrets

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "people": {"type": "integer", "minimum": 1},
        "day": {"enum": ["today", "tomorrow"]},
        "dish": {"$ref": "#/$defs/Dish"},
    },
    "$defs": {"Dish": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
    "required": ["people"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"people": 2, "day": "today", "dish": {"name": "soup"}}, ""),
        ({}, "people is missing"),
        ({"people": "two secret"}, "people: must be integer"),
        ({"people": 0}, "people: does not fit its minimum, 1"),
        ({"people": 2, "day": "hunter2"}, 'day: must be one of "today", "tomorrow"'),
        ({"people": 2, "dish": {}}, "dish: name is missing"),
        ({"people": 2, "table": 7}, "there is no table; there is people, day, dish"),
        ({"people": True}, "people: must be integer"),
    ],
)
def test_one_line_for_the_model(arguments: dict[str, Any], line: str) -> None:
    assert problem(arguments, SCHEMA) == line


def test_a_schema_that_points_elsewhere_is_not_followed() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}}
    assert "cannot be checked" in problem({"a": 1}, schema)


def test_what_is_no_schema_is_told() -> None:
    assert schema_problem({"type": "object", "properties": {"a": {"type": "nonsense"}}})
    assert schema_problem({"type": "string"})
    assert schema_problem(SCHEMA) == ""


def test_secrets_stay_out_of_what_is_kept() -> None:
    arguments = {"pin": "4711", "amount": 5}
    assert redacted(arguments, ["pin"]) == {"pin": "(secret)", "amount": 5}
    assert without_secrets("PIN 4711 is right", arguments, ["pin"]) == "PIN (secret) is right"
