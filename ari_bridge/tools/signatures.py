"""A function's parameters as a JSON Schema, and what its docstring says of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model

from ari_bridge.core.errors import SettingsError


def model_of(function: Callable[..., Any], described: Mapping[str, str], where: str) -> type[BaseModel]:
    """The function's parameters as a pydantic model: it makes the schema, and the values."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as error:
        raise SettingsError(f"{where}: cannot understand its annotations: {error}") from None
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise SettingsError(f"{where}: {name}: a model can only give arguments that have names")
        if name not in hints:
            raise SettingsError(f"{where}: {name}: needs an annotation, such as {name}: str")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints[name], Field(default, description=described.get(name)))
    try:
        model: type[BaseModel] = create_model(
            function.__name__, __config__=ConfigDict(extra="forbid"), **fields
        )
        schema_of(model)
    except (PydanticUserError, NameError) as error:
        raise SettingsError(f"{where}: an annotation has no JSON Schema: {one_line(error)}") from None
    return model


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    found = _untitled(schema)
    assert isinstance(found, dict)
    return {"properties": {}, **found}


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic makes of the names: they tell a model nothing and cost tokens."""
    if isinstance(schema, dict):
        return {
            key: (
                {name: _untitled(value) for name, value in value.items()}
                if key in ("properties", "$defs")
                else _untitled(value)
            )
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
            and not (key == "description" and value is None)
        }
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema


_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?|Notes?):\s*$", re.M)
_PARAMETER = re.compile(r"^\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


def docstring_of(text: str) -> tuple[str, dict[str, str]]:
    """What it says before its sections, and what it says of each parameter below `Args:`."""
    parts = _SECTION.split(text)
    described: dict[str, str] = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title in ("Args", "Arguments", "Parameters"):
            described |= _parameters(inspect.cleandoc("\n" + body))
    return " ".join(parts[0].split()), described


def _parameters(body: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in body.splitlines():
        match = None if line.startswith((" ", "\t")) else _PARAMETER.match(line)
        if match is not None:
            name = match[1]
            found[name] = match[2].strip()
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
