"""The tool `look_up`: an agent's questions to its knowledge folder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ari_bridge.core.messages import ToolSpec
from ari_bridge.tool_settings import KnowledgeSettings
from ari_bridge.tools.base import Tool
from ari_bridge.tools.knowledge.index import Index

NAME = "look_up"
NOTHING = "Nothing was found. Try other words, or say that you do not know."


class Knowledge:
    """One agent's folder. Make one with `open`."""

    def __init__(self, settings: KnowledgeSettings, index: Index, thread: ThreadPoolExecutor) -> None:
        self._settings = settings
        self._index = index
        self._thread = thread

    @classmethod
    async def open(cls, settings: KnowledgeSettings, directory: Path) -> Knowledge:
        """Reads the folder. Raises SettingsError."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="knowledge")
        index = None
        try:
            index = Index(directory)
            await asyncio.wrap_future(thread.submit(index.refresh))
        except BaseException:
            if index is not None:
                index.close()
            thread.shutdown()
            raise
        return cls(settings, index, thread)

    async def close(self) -> None:
        await asyncio.wrap_future(self._thread.submit(self._index.close))
        self._thread.shutdown()

    @property
    def tool(self) -> Tool:
        schema = {
            "type": "object",
            "properties": {
                "query": {"type": "string", "maxLength": 300, "description": "The words to look for."}
            },
            "required": ["query"],
            "additionalProperties": False,
        }
        spec = ToolSpec(NAME, self._settings.description, schema)
        return Tool(spec, self._run, effects=False, idempotent=True, parallel=True)

    async def _run(self, arguments: Mapping[str, Any], key: str) -> str:
        def work() -> str:
            self._index.refresh()
            found = self._index.search(arguments["query"], self._settings.results)
            return "\n\n".join(map(str, found)) or NOTHING

        return await asyncio.wrap_future(self._thread.submit(work))
