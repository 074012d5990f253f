"""Tools that are functions of the user's own: the schema comes from annotations and docstring.

    from typing import Annotated, Literal
    from ari_bridge.tools import NotDone, tool

    @tool
    async def book_table(people: int, day: Literal["today", "tomorrow"]) -> str:
        \"\"\"Book a table.

        Args:
            people: How many come.
        \"\"\"
        ...
        raise NotDone("There is no table left.")     # the model is told, and may try something else

A plain `def` runs in a thread of its own, so it may block. What it returns goes to the model: text as it is,
everything else as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, overload

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from ari_bridge.core.errors import SettingsError, ToolError
from ari_bridge.core.messages import ToolSpec
from ari_bridge.settings import explain
from ari_bridge.tool_settings import PythonSettings
from ari_bridge.tools.base import RETRIES, TIMEOUT_S, Tool
from ari_bridge.tools.signatures import docstring_of, model_of, one_line, schema_of

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

MARK = "__ari_bridge_tool__"
NOTHING_TO_TELL = "Done."


class NotDone(ToolError):
    """Raise it in a tool that did not do anything; the text goes to the model. `retryable`: trying again soon
    may help."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message, happened=False, retryable=retryable)


@dataclass(frozen=True, slots=True)
class Declaration:
    effects: bool
    idempotent: bool
    parallel: bool
    timeout_s: float
    retries: int


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *,
    effects: bool = True,
    idempotent: bool = False,
    parallel: bool | None = None,
    timeout_s: float = TIMEOUT_S,
    retries: int = RETRIES,
) -> Callable[[F], F]: ...


def tool(
    function: F | None = None,
    /,
    *,
    effects: bool = True,
    idempotent: bool = False,
    parallel: bool | None = None,
    timeout_s: float = TIMEOUT_S,
    retries: int = RETRIES,
) -> F | Callable[[F], F]:
    """Marks a function as a tool. `effects=False`: it only looks things up. `idempotent`: twice is as once.
    `parallel`: it may run beside others of the same call (look-ups may, when None)."""
    beside = not effects if parallel is None else parallel
    declaration = Declaration(effects, idempotent, beside, timeout_s, retries)

    def mark(marked: F) -> F:
        vars(marked)[MARK] = declaration
        return marked

    return mark if function is None else mark(function)


def load(settings: PythonSettings) -> list[Tool]:
    """The marked functions of the user's module. Raises SettingsError, one line, naming file and function."""
    if settings.file is None and not settings.module:
        return []
    name = settings.module or str(settings.file)
    key = "tools.python.module" if settings.module else "tools.python.file"
    try:
        module = importlib.import_module(settings.module) if settings.module else _import_file(settings.file)
    except FileNotFoundError:
        raise SettingsError(f"{key}: there is no {name}") from None
    except Exception as error:  # noqa: BLE001 - the user's module may fail in any way; nothing runs yet
        raise SettingsError(f"{key}: {name} cannot be imported: {one_line(error)}") from None
    found = [_tool(function, key) for function in vars(module).values() if MARK in _vars(function)]
    if not found:
        raise SettingsError(f"{key}: {name} has no function marked with @tool")
    return found


def _import_file(path: Path | None) -> ModuleType:
    assert path is not None
    if not path.is_file():
        raise FileNotFoundError(path)
    name = f"_ari_bridge_user_{re.sub(r'[^A-Za-z0-9]', '_', path.stem)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where annotations of its classes are looked up
    spec.loader.exec_module(module)
    return module


def _vars(value: object) -> Mapping[str, Any]:
    return vars(value) if inspect.isfunction(value) else {}


def _tool(function: Callable[..., Any], key: str) -> Tool:
    declaration: Declaration = vars(function)[MARK]
    where = f"{key}: {function.__name__}"
    summary, described = docstring_of(inspect.getdoc(function) or "")
    if not summary:
        raise SettingsError(f"{where}: needs a docstring: it is what the model reads")
    model = model_of(function, described, where)
    schema = schema_of(model)
    spec = ToolSpec(function.__name__, summary, schema)

    async def run(arguments: Mapping[str, Any], key: str) -> str:
        try:
            checked = model.model_validate(dict(arguments))
        except ValidationError as error:
            raise ToolError(explain(error), happened=False) from None
        given = {name: vars(checked)[name] for name in type(checked).model_fields}
        try:
            if inspect.iscoroutinefunction(function):
                value = await function(**given)
            else:
                value = await in_thread(lambda: function(**given), name=function.__name__)
        except (ToolError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the user's function may fail in any way; the call goes on
            # What the error says may hold the caller's data or a secret; where it happened does not.
            log.error("%s: failed with %s at %s", function.__name__, type(error).__name__, _place(error))
            raise ToolError("it failed.", happened=True) from None
        return _told(value)

    return Tool(
        spec,
        run,
        effects=declaration.effects,
        idempotent=declaration.idempotent,
        parallel=declaration.parallel,
        timeout_s=declaration.timeout_s,
        retries=declaration.retries,
    )


async def in_thread(work: Callable[[], T], *, name: str) -> T:
    """What `work` returns, from a thread of its own. Nobody can stop a thread: who is cancelled here leaves
    it to its end, and it does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()
    context = copy_context()

    def tell(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - it goes on in who waits
            if isinstance(error, StopIteration):  # which no future can hold
                error = RuntimeError("StopIteration")
            answer: tuple[Callable[[Any], None], Any] = (done.set_exception, error)
        else:
            answer = (done.set_result, result)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, *answer)

    threading.Thread(target=run, name=f"tool {name}", daemon=True).start()
    return await done


def _told(value: object) -> str:
    if value is None:
        return NOTHING_TO_TELL
    if isinstance(value, str):
        return value
    return json.dumps(to_jsonable_python(value, fallback=str), ensure_ascii=False)


def _place(error: BaseException) -> str:
    """file:line of where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
