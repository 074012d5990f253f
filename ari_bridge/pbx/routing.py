"""Which agent takes a call: the dialplan's word first, then the DID's route, then the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ari_bridge.settings import Settings


class UnknownAgent(Exception):
    """No agent for this call. The text is one line for the log; the call goes on in the dialplan."""


def parse_args(args: Sequence[str]) -> dict[str, str]:
    """`Stasis(app,agent=sales,did=100)` hands over ["agent=sales", "did=100"]. A bare word maps to ""."""
    pairs = (arg.partition("=") for arg in args)
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}


def choose_agent(settings: Settings, args: Mapping[str, str], variables: Mapping[str, str], did: str) -> str:
    """The name of the agent: argument agent=, variable AI_AGENT, routes[did], routes["default"].

    Raises UnknownAgent where none of them is given, or the one given does not exist.
    """
    asked = (
        ("Stasis() argument agent", args.get("agent", "")),
        ("channel variable AI_AGENT", variables.get("AI_AGENT", "")),
        (f"routes.{did}", settings.routes.get(did, "")),
        ("routes.default", settings.routes.get("default", "")),
    )
    known = ", ".join(sorted(settings.agents)) or "none"
    for source, agent in asked:
        if agent in settings.agents:
            return agent
        if agent:
            raise UnknownAgent(f"{source}: there is no agent {agent!r} (agents: {known})")
    raise UnknownAgent(f"no agent= in Stasis(), no AI_AGENT, and no route for DID {did!r} (agents: {known})")
