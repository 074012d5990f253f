"""A real carrier and PBX for the whole session, and the checks that nothing is left after a test."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import pytest

from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.debian import BULLSEYE, SID, Suite
from ari_bridge.sandbox.lab import Lab, open_lab

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]

# How fast examples are made and run says something of the machine, nothing of the product.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

PBX_SUITES: dict[str, Suite | None] = {"": None, "16": BULLSEYE, "22": SID}

SETTLE_S = 5.0
"""How long a test's leavings may take to go: sockets close and Asterisk tears channels down on their own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real calls last as long as speech does and mostly wait: they come first, beside each other; what
    computes fills up the end."""
    items.sort(key=lambda item: item.get_closest_marker("asterisk") is None)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Whoever sets up logging in a test does so for that test alone."""
    root, product = logging.getLogger(), logging.getLogger("ari_bridge")
    handlers, levels = root.handlers[:], (root.level, product.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    product.setLevel(levels[1])


@pytest.fixture(scope="session")
def pbx_suite() -> Suite | None:
    """ARI_BRIDGE_TEST_ASTERISK's; None for the machine's own, else Debian's newest."""
    wanted = os.environ.get("ARI_BRIDGE_TEST_ASTERISK", "")
    if wanted not in PBX_SUITES:
        pytest.exit(
            f"ARI_BRIDGE_TEST_ASTERISK={wanted}: must be one of {', '.join(filter(None, PBX_SUITES))}"
        )
    return PBX_SUITES[wanted]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, pbx_suite: Suite | None) -> Iterator[Lab]:
    """Carrier and PBX, started once; Asterisk is fetched at the first run on a machine."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = open_lab(tmp_path_factory.mktemp("lab"), pbx_suite=pbx_suite, progress=_progress)
        running = runner.run(stack.enter_async_context(opened))
        try:
            yield running
        finally:
            runner.run(stack.aclose())


@pytest.fixture
def clean_lab(lab: Lab) -> Iterator[Lab]:
    """The lab, with the promise that the test leaves no channel or bridge on either Asterisk, and no file
    descriptor, thread or child process in this process."""
    before = _process_state()
    yield lab
    _settles(lambda: asyncio.run(_objects(lab)), {})
    _settles(lambda: _process_state() - before, set())


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """The test leaves no file descriptor, thread or child process (no Asterisk needed)."""
    before = _process_state()
    yield
    _settles(lambda: _process_state() - before, set())


@pytest.fixture
def run() -> Run[Any]:
    """asyncio.run, with the promise that the coroutine leaves no task behind it."""

    async def watched(main: Coroutine[Any, Any, T]) -> T:
        result = await main
        deadline = time.monotonic() + 1.0
        own = asyncio.current_task()
        while time.monotonic() < deadline and asyncio.all_tasks() != {own}:
            await asyncio.sleep(0.01)
        left = [task for task in asyncio.all_tasks() if task is not own]
        assert not left, f"tasks left over: {left}"
        return result

    return lambda main: asyncio.run(watched(main))


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def _settles(look: Callable[[], T], wanted: T) -> None:
    deadline = time.monotonic() + SETTLE_S
    while (left := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == wanted, f"left over: {left}"


async def _objects(lab: Lab) -> dict[str, list[str]]:
    """What is alive: {"pbx channels": [names], …}; nothing is {}."""
    found = {}
    for server in (lab.carrier, lab.pbx):
        for kind in ("channels", "bridges"):
            names = [str(item["name"] or item["id"]) for item in await _listing(server, kind)]
            if names:
                found[f"{server.name} {kind}"] = names
    return found


async def _listing(server: AsteriskServer, kind: str) -> list[dict[str, Any]]:
    async with server.ari_session() as session, session.get(f"/ari/{kind}") as answer:
        listing: list[dict[str, Any]] = await answer.json()
        return listing


def _process_state() -> set[str]:
    """Open descriptors, threads and children, each as a line that says what it is."""
    state = {f"thread {thread.name}" for thread in threading.enumerate()}
    if sys.platform == "linux":
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                state.add(f"fd {descriptor} {os.readlink(f'/proc/self/fd/{descriptor}')}")
            except OSError:  # the one with which the folder was read
                continue
        for task in Path("/proc/self/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                state |= {f"child {pid}" for pid in (task / "children").read_text().split()}
    return state
