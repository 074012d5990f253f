"""Arguments as a model gave them: checked against the tool's schema, compared, and kept without secrets."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

HIDDEN = "(secret)"

_NO_DOCUMENTS: Registry[Any] = Registry()
"""A schema that refers to somewhere else is not followed there: it may come from a server of others."""


def schema_problem(schema: Mapping[str, Any]) -> str:
    """Why it is no JSON Schema (2020-12); "" where it is one."""
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        return str(error.message)
    return "" if schema.get("type") == "object" else 'its type is not "object"'


def problem(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What is wrong with the arguments, in one line for the model; "" where nothing is. Values are not told:
    the line goes to the log too."""
    validator = Draft202012Validator(dict(schema), registry=_NO_DOCUMENTS)
    try:
        error = best_match(validator.iter_errors(dict(arguments)))
    except Unresolvable:
        return "they cannot be checked: the tool's schema points somewhere else"
    if error is None:
        return ""
    where = ".".join(str(step) for step in error.absolute_path)
    return f"{where}: {_said(error)}" if where else _said(error)


def _said(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "required":
            missing = [name for name in wanted if name not in given]
            return f"{', '.join(missing)} is missing"
        case "additionalProperties" | "unevaluatedProperties":
            known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
            unknown = [name for name in given if name not in known]
            return f"there is no {', '.join(unknown)}; there is {', '.join(known) or 'nothing to give'}"
        case "type":
            return f"must be {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
        case "enum":
            return f"must be one of {', '.join(map(json.dumps, wanted))}"
        case keyword:
            return f"does not fit its {keyword}, {json.dumps(wanted, ensure_ascii=False)[:200]}"


def canonical(arguments: Mapping[str, Any]) -> str:
    """Equal for equal arguments."""
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def redacted(arguments: Mapping[str, Any], secret: Collection[str]) -> dict[str, Any]:
    """As they may be kept and logged."""
    return {name: HIDDEN if name in secret else value for name, value in arguments.items()}


def without_secrets(text: str, arguments: Mapping[str, Any], secret: Collection[str]) -> str:
    """A result that repeats a secret argument, as it may be kept."""
    for name in secret:
        value = str(arguments.get(name, ""))
        if value:
            text = text.replace(value, HIDDEN)
    return text
