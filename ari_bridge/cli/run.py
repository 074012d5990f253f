"""`ari-bridge run`: serve the calls of one Asterisk until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from ari_bridge import service, settings
from ari_bridge.cli import logs
from ari_bridge.cli.command import Command
from ari_bridge.cli.dialogue import DialogueLines, DialogueView
from ari_bridge.core.errors import SettingsError
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.settings import Settings
from ari_bridge.switchboard import Switchboard
from ari_bridge.web import api

READY = "ready"
"""The first word of the line on stdout that says calls are served."""

_NAME = "ari_bridge.toml"
_PLACES = (Path(_NAME), Path("/etc/ari_bridge") / _NAME)

log = logging.getLogger(__name__)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config",
        type=Path,
        nargs="?",
        metavar="CONFIG",
        help=f"the TOML file (default: {' or '.join(map(str, _PLACES))})",
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--dialogue",
        action="store_true",
        help="print what is said, live, on stdout; off by default, for it is personal data",
    )
    shown.add_argument("--dialogue-json", action="store_true", help="the same as JSON, one event a line")


def _run(arguments: argparse.Namespace) -> int:
    chosen = settings.load(arguments.config or _default())
    logs.set_up(chosen.log.level)
    asyncio.run(_serve_until_signalled(chosen, _observer(arguments)))
    return 0


def _default() -> Path:
    for place in _PLACES:
        if place.exists():
            return place
    raise SettingsError(f"no CONFIG given, and neither {' nor '.join(map(str, _PLACES))} is there")


def _observer(arguments: argparse.Namespace) -> Observer:
    if arguments.dialogue:
        return DialogueView(sys.stdout)
    if arguments.dialogue_json:
        return DialogueLines(sys.stdout)
    return _unobserved


def _unobserved(event: LiveEvent) -> None:
    pass


def _say_ready(chosen: Settings) -> None:
    agents = ", ".join(sorted(chosen.agents))
    asterisk = chosen.asterisk
    print(f"{READY}: Stasis app {asterisk.app} at {asterisk.url}, agents: {agents}", flush=True)


async def _serve(chosen: Settings, observer: Observer) -> None:
    board = Switchboard()
    async with api.serving(chosen.web, board) if chosen.web.enabled else nullcontext():
        await service.serve(chosen, observer=observer, ready=lambda: _say_ready(chosen), switchboard=board)


async def _serve_until_signalled(chosen: Settings, observer: Observer) -> None:
    """The first SIGINT or SIGTERM stops in order; a second one does what such a signal always does."""
    loop = asyncio.get_running_loop()
    serving = loop.create_task(_serve(chosen, observer))
    stopping = False

    def stop(signum: signal.Signals) -> None:
        nonlocal stopping
        stopping = True
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
        log.info("%s: stopping", signum.name)
        serving.cancel()

    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop, signum)
    try:
        await serving
    except asyncio.CancelledError:
        if not stopping:
            raise


COMMAND = Command(
    name="run",
    summary="answer the calls that the dialplan hands over by Stasis()",
    arguments=_arguments,
    run=_run,
    epilog="Stops on SIGINT or SIGTERM; calls in progress go back to the dialplan.\n"
    "Log lines go to stderr, one line with `ready` and the dialogue (if asked for) to stdout.",
)
