"""Tools of your own: each function marked with @tool is one. Which agent is offered which stands in the
settings (`tools = [...]`). Try one with `ari-bridge tools call reception is_open '{"day": "sunday"}'`."""

from __future__ import annotations

from typing import Literal

from ari_bridge.tools import tool

HOURS = {"saturday": "ten to two", "sunday": ""}

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@tool(effects=False)  # it only looks something up, so it may run at any time
def is_open(day: Day) -> str:
    """Tell when we are open.

    Args:
        day: The day of the week that the caller asks about.
    """
    hours = HOURS.get(day, "nine to six")
    return f"On {day} we are open from {hours}." if hours else f"On {day} we are closed."
