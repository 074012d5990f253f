"""The whole product in this process, before a real Asterisk: settings in, calls through, records out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.dialogue.live import LiveEvent, LiveKind
from ari_bridge.sandbox.lab import Lab
from ari_bridge.service import Service as AriBridge
from ari_bridge.settings import Settings
from tests.end_to_end.control import DESTINATIONS, HOURS

RECORD_WITHIN_S = 8.0
SCRIPT = files("ari_bridge.providers.llm") / "scripts" / "reception.toml"


@dataclass
class Service:
    lab: Lab
    records: Path
    inside: AriBridge
    events: list[LiveEvent] = field(default_factory=list)

    async def record(self, number: int = 1) -> dict[str, Any]:
        """The `number`th record, once it is written."""
        for _ in range(int(RECORD_WITHIN_S / 0.05)):
            found = sorted(self.records.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
            if len(found) >= number:
                record: dict[str, Any] = json.loads(found[number - 1].read_text())
                return record
            await asyncio.sleep(0.05)
        raise AssertionError(f"record {number} was not written within {RECORD_WITHIN_S} s: {self.events}")

    async def seen(self, kind: LiveKind, timeout_s: float = 15.0) -> LiveEvent:
        for _ in range(int(timeout_s / 0.02)):
            for event in self.events:
                if event.kind is kind:
                    return event
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} within {timeout_s} s: {self.events}")

    async def seen_tool(self, name: str, timeout_s: float = 20.0) -> LiveEvent:
        """Until the tool has answered."""
        for _ in range(int(timeout_s / 0.02)):
            for event in self.events:
                if event.kind is LiveKind.TOOL and event.text.startswith(f"{name}:"):
                    return event
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name} did not answer within {timeout_s} s: {self.events}")


Serving = Callable[..., AbstractAsyncContextManager[Service]]


@pytest.fixture
def serving(clean_lab: Lab, tmp_path: Path) -> Serving:
    """`async with serving(media={…}) as service`: the service runs on the lab's PBX; tables given replace
    the defaults."""

    @asynccontextmanager
    async def start(**tables: Any) -> AsyncIterator[Service]:
        records, events = tmp_path / "records", list[LiveEvent]()
        settings = Settings(
            **{
                "asterisk": {"url": clean_lab.pbx.http_url, "username": clean_lab.pbx.ari_user}
                | {"password": clean_lab.pbx.ari_password},
                "agents": {"reception": {"greeting": "Hello, this is the reception. How can I help you?"}},
                "destinations": {"human": {"context": "humans", "exten": "reception"}},
                "providers": {"script": {"script_file": str(SCRIPT)}},
                "records": {"directory": records},
                **tables,
            }
        )
        inside = AriBridge(settings, observer=events.append)
        service = Service(clean_lab, records, inside, events)
        ready = asyncio.Event()
        running = asyncio.create_task(service.inside.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            yield service
        finally:
            waiting.cancel()
            if service.inside.obstacles() != ["not started"]:  # it is not on its way out by itself
                running.cancel()
            await asyncio.wait({running, waiting})
            if not running.cancelled():
                running.result()

    return start


@pytest.fixture
def controlled(serving: Any, tmp_path: Path) -> Callable[..., Any]:
    """The service with a script of the given rules."""

    def start(*rules: str, **tables: Any) -> Any:
        script = tmp_path / "script.toml"
        script.write_text(HOURS + "\n".join(rules))
        verbs = ("hangup", "transfer", "attended_transfer", "conference", "hold", "unhold", "mute", "unmute")
        verbs += ("send_dtmf", "record", "collect_digits", "continue_in_dialplan")
        return serving(
            **{
                "agents": {"reception": {"greeting": "Hello.", "actions": verbs}},
                "destinations": DESTINATIONS,
                "providers": {"script": {"script_file": str(script)}},
                **tables,
            }
        )

    return start
