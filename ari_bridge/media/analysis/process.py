"""The analysis process: `python -m ari_bridge.media.analysis.process ROWS MEMORY_FD [MODEL_FILE]`.

It looks every 10 ms for what is new in the shared memory; with rows in all phases, half of them have a frame
then, and more at once cost less. It gives way to everything else on the machine: who is late here only makes
the detectors rely on the level alone. It ends when its standard input does, with the process that started it.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path

from ari_bridge.core.clock import monotonic_s
from ari_bridge.core.errors import InternalError
from ari_bridge.media.analysis.analyst import Analyst
from ari_bridge.media.analysis.models import load_models
from ari_bridge.media.codecs.registry import known_codecs
from ari_bridge.media.shared import map_rows

_LOOK_S = 0.01
_IDLE_LOOK_S = 0.1
_IDLE_AFTER_S = 1.0
_NICENESS = 5


def run(analyst: Analyst, lifeline: int) -> None:
    """Analyse until `lifeline` ends."""
    worked_s = monotonic_s()
    while True:
        now = monotonic_s()
        if analyst.step():
            worked_s = now
        pause_s = _LOOK_S if now - worked_s < _IDLE_AFTER_S else _IDLE_LOOK_S
        readable, _, _ = select.select([lifeline], [], [], max(0.0, now + pause_s - monotonic_s()))
        if readable:
            return


def main(arguments: list[str]) -> int:
    # As in the media process: the bridge process decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    rows, memory_fd = int(arguments[0]), int(arguments[1])
    try:
        os.nice(_NICENESS)
        models = load_models(Path(arguments[2])) if len(arguments) > 2 else {}
        shared = map_rows(memory_fd, rows)
        os.close(memory_fd)
        run(Analyst(shared, list(known_codecs().values()), models), sys.stdin.fileno())
    except Exception as error:  # noqa: BLE001 -- root of this process: its end is reported in a line
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return InternalError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
