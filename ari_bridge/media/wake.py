"""A wake-up call between processes, which an event loop can wait for: an eventfd, else a pipe."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


class Wake:
    """Many notify() before a drain() count as one."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Both ends may be the same descriptor (an eventfd)."""
        self.read_fd, self.write_fd = read_fd, write_fd

    @classmethod
    def create(cls) -> Wake:
        if hasattr(os, "eventfd"):  # Linux
            fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            return cls(fd, fd)
        read_fd, write_fd = os.pipe()
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)
        return cls(read_fd, write_fd)

    def notify(self) -> None:
        # Eight bytes are what an eventfd takes. A pipe that is full has woken its reader already.
        with suppress(BlockingIOError):
            os.write(self.write_fd, _ONE)

    def drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.read_fd, 4096)

    def close(self) -> None:
        for fd in {self.read_fd, self.write_fd}:
            os.close(fd)


_ONE = (1).to_bytes(8, sys.byteorder)
