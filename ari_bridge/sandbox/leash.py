"""Runs a program that is killed when its parent dies, however the parent dies (Linux: PR_SET_PDEATHSIG).

    python leash.py PARENT_PID PROGRAM [ARGUMENT ...]

It becomes the program itself, so the pid stays. It is a script of its own because the alternative, a
preexec_fn, runs Python between fork and exec, which can deadlock where there are threads. "Parent" is the
thread that started it: start from one that lives as long as the program should.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
