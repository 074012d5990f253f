"""`ari-bridge tools`: what an agent is offered, and how a tool answers, without a call."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ari_bridge import settings
from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.cli import logs
from ari_bridge.cli.command import Command
from ari_bridge.cli.run import default_config
from ari_bridge.core.errors import SettingsError
from ari_bridge.core.messages import Standing, ToolSpec
from ari_bridge.settings import Settings
from ari_bridge.tools.arguments import problem
from ari_bridge.tools.base import Tool
from ari_bridge.tools.policy import Policy
from ari_bridge.tools.running import run
from ari_bridge.tools.workshop import Workshop

TRIED = "tried-by-hand"
"""The key of its effect."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="CONFIG", help="the TOML file (default: as for run)")
    ways = parser.add_subparsers(title="what to do", metavar="WAY", dest="way", required=True)
    listing = ways.add_parser("list", help="the tools and actions an agent is offered")
    calling = ways.add_parser("call", help="call a tool: it really does what it does")
    for way in (listing, calling):
        way.add_argument("agent", metavar="AGENT")
    listing.add_argument("--json", action="store_true", help="with schemas, as the model gets them")
    calling.add_argument("name", metavar="NAME")
    calling.add_argument(
        "arguments", metavar="JSON", nargs="?", default="{}", help="such as '{\"order\": 7}'"
    )


def _run(arguments: argparse.Namespace) -> int:
    chosen = settings.load(arguments.config or default_config())
    logs.set_up(chosen.log.level)
    if arguments.agent not in chosen.agents:
        raise SettingsError(
            f"there is no agent {arguments.agent!r} (agents: {', '.join(sorted(chosen.agents))})"
        )
    if arguments.way == "list":
        return asyncio.run(_list(chosen, arguments.agent, as_json=arguments.json))
    return asyncio.run(_call(chosen, arguments.agent, arguments.name, arguments.arguments))


async def _list(chosen: Settings, agent: str, *, as_json: bool) -> int:
    workshop = await Workshop.open(chosen, actions())
    try:
        tools = workshop.for_agent(agent).tools
    finally:
        await workshop.close()
    context = ActionContext(chosen.destinations, chosen.digits, chosen.control)
    verbs = [actions()[name].spec(context) for name in chosen.agents[agent].actions if name in actions()]
    offered = [(tool.spec, _declared(tool)) for tool in tools]
    offered += [(spec, ["action"]) for spec in verbs if spec is not None]
    for spec, traits in offered:
        if as_json:
            print(json.dumps(_as_json(spec), ensure_ascii=False))
        else:
            given = ", ".join(_shown(spec))
            print(f"{spec.name}({given})  [{'; '.join([*traits, *_limits(workshop.policy, spec.name)])}]")
            print(f"    {spec.description}")
    return 0


async def _call(chosen: Settings, agent: str, name: str, text: str) -> int:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"JSON: {error}") from None
    if not isinstance(given, dict):
        raise SettingsError("JSON: must be an object, such as '{\"order\": 7}'")
    if name in actions():
        raise SettingsError(f"{name} is an action: it needs a call")
    workshop = await Workshop.open(chosen, actions())
    try:
        tools = {tool.name: tool for tool in workshop.for_agent(agent).tools}
        if name not in tools:
            known = ", ".join(sorted(tools)) or "none"
            raise SettingsError(f"{agent} is offered no tool {name!r} (there are {known})")
        wrong = problem(given, tools[name].spec.parameters)
        if wrong:
            raise SettingsError(f"JSON: {wrong}")
        ran = await run(tools[name], given, TRIED)
    finally:
        await workshop.close()
    print(ran.text)
    return 0 if ran.standing is Standing.DONE else 1


def _as_json(spec: ToolSpec) -> Mapping[str, Any]:
    return {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}


def _shown(spec: ToolSpec) -> list[str]:
    """Its arguments; those that may be left out in brackets."""
    required = spec.parameters.get("required", ())
    return [name if name in required else f"[{name}]" for name in spec.parameters.get("properties", {})]


def _declared(tool: Tool) -> list[str]:
    kind = "looks up" if not tool.effects else "idempotent" if tool.idempotent else "once"
    return [kind, "parallel" if tool.parallel else "one at a time", f"{tool.timeout_s:g} s"]


def _limits(policy: Policy, name: str) -> list[str]:
    rules = policy.of(name)
    found = ["asks the caller first"] if rules.confirm else []
    if rules.max_per_call is not None:
        found.append(f"{rules.max_per_call} a call")
    if rules.max_per_day is not None:
        found.append(f"{rules.max_per_day} a day")
    return found


COMMAND = Command(
    name="tools",
    summary="list an agent's tools, or try one without a call",
    arguments=_arguments,
    run=_run,
    epilog="A tool that is called by hand does what it does in a call; limits and questions to the\n"
    "caller do not apply, and nothing is written to the ledger.",
)
