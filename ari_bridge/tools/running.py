"""Running a tool: within its time, again where that is harmless, with an answer whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from ari_bridge.core.errors import ToolError
from ari_bridge.core.messages import Standing
from ari_bridge.tools.base import Ran, Tool

log = logging.getLogger(__name__)

PAUSE_S = 0.2
"""Before the first try again; twice as long before each further one."""


async def run(tool: Tool, arguments: Mapping[str, Any], key: str) -> Ran:
    """Never raises ToolError: what went wrong is in the text, a sentence for a model."""
    try:
        async with asyncio.timeout(tool.timeout_s):
            return Ran(await _stubborn(tool, arguments, key), Standing.DONE)
    except TimeoutError:
        log.warning("%s: no answer within %g s", tool.name, tool.timeout_s)
        return _failed(tool, f"There was no answer within {tool.timeout_s:g} seconds.", happened=True)
    except ToolError as error:
        log.warning("%s: %s", tool.name, error)
        return _failed(tool, str(error), happened=error.happened)


async def _stubborn(tool: Tool, arguments: Mapping[str, Any], key: str) -> str:
    pause_s = PAUSE_S
    for _ in range(tool.retries if tool.may_repeat else 0):
        try:
            return await tool.run(arguments, key)
        except ToolError as error:
            if not error.retryable:
                raise
            log.info("%s: %s; once more", tool.name, error)
        await asyncio.sleep(pause_s)
        pause_s *= 2
    return await tool.run(arguments, key)


def _failed(tool: Tool, why: str, *, happened: bool) -> Ran:
    if not happened or not tool.effects:
        return Ran(f"That did not work: {why}", Standing.NOT_DONE)
    return Ran(f"It is not known whether this was done: {why}", Standing.UNKNOWN)
