"""`ari-bridge run`: serve the calls of one Asterisk until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

from ari_bridge import settings
from ari_bridge.cli import logs
from ari_bridge.cli.command import Command
from ari_bridge.cli.dialogue import DialogueLines, DialogueView
from ari_bridge.cli.systemd import Notifier
from ari_bridge.core.errors import SettingsError
from ari_bridge.dialogue.live import LiveEvent, Observer
from ari_bridge.service import Service
from ari_bridge.settings import Settings
from ari_bridge.web import api

READY = "ready"
"""The first word of the line on stdout that says calls are served."""

_NAME = "ari_bridge.toml"
_PLACES = (Path(_NAME), Path("/etc/ari_bridge") / _NAME)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AT_ONCE = 2
"""The signal that ends at once."""

STATUS_EVERY_S = 1.0

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
    chosen = settings.load(arguments.config or default_config())
    logs.set_up(chosen.log.level)
    asyncio.run(_Runner(chosen, _observer(arguments)).run())
    return 0


def default_config() -> Path:
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


class _Runner:
    """The service with its signals, and with systemd if that started us.

    The first SIGINT or SIGTERM drains: no more calls, and those that are here may end. The second hands them
    to the dialplan at once. A third one does what such a signal always does.
    """

    def __init__(self, chosen: Settings, observer: Observer) -> None:
        self._settings = chosen
        self._service = Service(chosen, observer=observer)
        self._notifier = Notifier()
        self._signals = 0
        self._serves = False
        """`ready` was said."""

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        for signum in _SIGNALS:
            self._loop.add_signal_handler(signum, self._signalled, signum)
        self._serving = self._loop.create_task(self._serve())
        telling = self._loop.create_task(self._tell_systemd())
        try:
            await self._serving
        except asyncio.CancelledError:
            if not self._signals:
                raise
        finally:
            telling.cancel()
            await asyncio.wait({telling})

    async def _serve(self) -> None:
        web = self._settings.web
        async with api.serving(web, self._service.switchboard) if web.enabled else nullcontext():
            await self._service.run(self._ready)

    def _ready(self) -> None:
        self._serves = True
        _say_ready(self._settings)
        self._notifier.ready()

    def _signalled(self, signum: signal.Signals) -> None:
        self._signals += 1
        self._notifier.stopping()
        if self._serves and self._signals < _AT_ONCE:
            log.info(
                "%s: no more calls; %d may go on for %g s, or until the next %s",
                *(signum.name, self._service.live_calls, self._settings.limits.drain_timeout_s, signum.name),
            )
            self._service.drain()
            return
        log.info("%s: the dialplan gets %d calls", signum.name, self._service.live_calls)
        for each in _SIGNALS:
            self._loop.remove_signal_handler(each)
        self._serving.cancel()

    async def _tell_systemd(self) -> None:
        """That this loop still turns, and what `systemctl status` is to show."""
        every_s = min(STATUS_EVERY_S, (self._notifier.watchdog_s or math.inf) / 2)
        while True:
            obstacles = ", ".join(self._service.obstacles())
            state = f"not ready: {obstacles}" if obstacles else READY
            self._notifier.status(f"{state}; calls: {self._service.live_calls}")
            self._notifier.alive()
            await asyncio.sleep(every_s)


COMMAND = Command(
    name="run",
    summary="answer the calls that the dialplan hands over by Stasis()",
    arguments=_arguments,
    run=_run,
    epilog="SIGINT or SIGTERM: no more calls, and those in progress may end (limits.drain_timeout_s);\n"
    "once more: they go back to the dialplan at once.\n"
    "Log lines go to stderr, one line with `ready` and the dialogue (if asked for) to stdout.",
)
