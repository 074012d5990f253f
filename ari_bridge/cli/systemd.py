"""Telling systemd how we are: sd_notify(3), by hand, since it is one datagram.

Nothing is sent, and nothing fails, where nobody asked for it ($NOTIFY_SOCKET is unset).
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """`READY=1` when calls are served, `STOPPING=1` when no more are taken, `STATUS=` for `systemctl status`,
    and `WATCHDOG=1` often enough, by which systemd knows a process that hangs from one that is idle."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._status = ""
        self.watchdog_s = _watchdog_s(environment)
        """How often systemd wants to hear of us; None when it does not."""

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def alive(self) -> None:
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line; sent when it differs from the one before."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_systemd:
                to_systemd.setblocking(False)
                to_systemd.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd does not hear %s: %s", message, error.strerror)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """sd_watchdog_enabled(3)."""
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1e6
