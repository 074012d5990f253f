"""The pipecat bot as a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GREETING_HZ, ANSWER_HZ = 440, 880
"""What it says: two tones."""
READY_S = 90.0
"""pipecat takes its time to import."""


@contextmanager
def pipecat_bot() -> Iterator[str]:
    """The URL of its WebSocket."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.providers.pipecat_bot", str(port)],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        until_s = time.monotonic() + READY_S
        while True:
            assert process.poll() is None, "the bot ended"
            assert time.monotonic() < until_s, "the bot does not answer"
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        process.terminate()
        process.wait(10)
