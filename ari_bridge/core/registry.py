"""Finds what is added one thing a file: codecs, providers, actions.

Each module of a package that defines the record constant (say `PROVIDER`) is one entry; nothing else
has to be told of it.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Protocol, TypeVar

from ari_bridge.core.errors import InternalError


class Named(Protocol):
    """A record that can be looked up."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


def discover(package: ModuleType, constant: str, record_type: type[T]) -> dict[str, T]:
    """Import every module of `package`; return {record.name: record} for each that defines `constant`.

    Raises InternalError where two modules use one name, or a constant is of another type.
    """
    found: dict[str, T] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda i: i.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        record = vars(module).get(constant)
        if record is None:
            continue
        if not isinstance(record, record_type):
            raise InternalError(f"{module.__name__}.{constant} is not a {record_type.__name__}")
        if record.name in found:
            raise InternalError(f"{module.__name__}: the name {record.name!r} is taken by another module")
        found[record.name] = record
    return found
