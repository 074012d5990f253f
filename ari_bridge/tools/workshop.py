"""All tools of a service: made from the settings, shared by all calls, closed in the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from ari_bridge.core.errors import SettingsError
from ari_bridge.settings import Settings
from ari_bridge.tools import python_functions
from ari_bridge.tools.addresses import Guard
from ari_bridge.tools.base import Tool
from ari_bridge.tools.http_client import open_session
from ari_bridge.tools.http_requests import http_tool
from ari_bridge.tools.knowledge.look_up import NAME as LOOK_UP
from ari_bridge.tools.knowledge.look_up import Knowledge
from ari_bridge.tools.mcp.server import McpServer
from ari_bridge.tools.policy import Policy, check_patterns, offered

log = logging.getLogger(__name__)


async def _straight(work: Coroutine[Any, Any, None]) -> None:
    await work


@dataclass(frozen=True, slots=True)
class AgentTools:
    """What one agent is offered besides actions."""

    tools: Sequence[Tool] = ()
    policy: Policy = field(default_factory=lambda: Policy({}))
    see_through: Callable[[Coroutine[Any, Any, None]], Awaitable[None]] = _straight
    """Do the work, and go on with it when whoever waits for it does not any more: a caller who hangs up in
    the middle of an order has ordered. The work raises nothing."""


class Workshop:
    """Make one with `open`."""

    def __init__(self, settings: Settings, actions: Collection[str]) -> None:
        self._settings = settings
        self._actions = set(actions)
        self._stack = AsyncExitStack()
        self._running: set[asyncio.Task[Any]] = set()
        self._tools: list[Tool] = []
        self._look_ups: dict[str, Tool] = {}
        self.policy = Policy(settings.tools.policy)

    @classmethod
    async def open(cls, settings: Settings, actions: Collection[str]) -> Workshop:
        """`actions`: the names that tools cannot have, for verbs of the call have them. Whatever is wrong
        with tools is found here. Raises SettingsError, one line; nothing is left open then."""
        found = cls(settings, actions)
        try:
            await found._open()
        except BaseException:
            await found.close()
            raise
        return found

    async def close(self) -> None:
        """When what has effects, and is under way, has come to its end: it is at its time limit at the
        latest."""
        if self._running:
            await asyncio.wait(self._running)
        await self._stack.aclose()

    def for_agent(self, name: str) -> AgentTools:
        found = offered(self._tools, self._settings.agents[name].tools)
        if name in self._look_ups:
            found.append(self._look_ups[name])
        return AgentTools(found, self.policy, self._see_through)

    async def _see_through(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)

    # -------------------------------------------------------------- from the settings

    async def _open(self) -> None:
        settings = self._settings.tools
        self._add(python_functions.load(settings.python))
        if settings.http or settings.mcp:
            guard = Guard(settings.hosts, settings.networks)
            session = await self._stack.enter_async_context(open_session(guard))
            self._add(http_tool(name, tool, session, guard) for name, tool in settings.http.items())
            for name, server_settings in settings.mcp.items():
                server = McpServer(name, server_settings, session, guard)
                self._stack.push_async_callback(server.close)
                self._add(await server.tools())
        for name, agent in self._settings.agents.items():
            if agent.knowledge.directory is not None:
                await self._open_knowledge(name)
        known = [tool.name for tool in self._tools]
        for name, agent in self._settings.agents.items():
            check_patterns(name, agent.tools, known)
        self.policy.check_names({*known, LOOK_UP}, self._actions)

    async def _open_knowledge(self, agent: str) -> None:
        settings = self._settings.agents[agent].knowledge
        assert settings.directory is not None
        try:
            knowledge = await Knowledge.open(settings, settings.directory)
        except SettingsError as error:
            raise SettingsError(f"agents.{agent}.{error}") from None
        self._stack.push_async_callback(knowledge.close)
        self._look_ups[agent] = self.policy.declared(knowledge.tool)

    def _add(self, tools: Iterable[Tool]) -> None:
        for tool in tools:
            if tool.name in self._actions or tool.name == LOOK_UP:
                raise SettingsError(f"tools: {tool.name}: the name is taken; rename the tool")
            if any(tool.name == other.name for other in self._tools):
                raise SettingsError(f"tools: there are two tools {tool.name}; rename one")
            self._tools.append(self.policy.declared(tool))
