"""What a process costs, by Linux's own books (proc(5)), and on what machine that was."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_bridge.core.errors import MediaError

_FIFO_PRIORITY = 10


def require_linux() -> None:
    """Raises MediaError elsewhere."""
    if not Path("/proc/self/schedstat").exists():
        raise MediaError("bench: needs Linux, for its time stamps and its books of what a process costs")


def cpu_s(pid: int) -> float:
    """CPU time of all threads of a process, its system calls included, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks) * 1e-9


def private_kb(pid: int) -> int:
    """Resident memory without what is shared (the PCM rings)."""
    return sum(_status_kb(pid, name) for name in ("RssAnon", "RssFile"))


def shared_kb(pid: int) -> int:
    return _status_kb(pid, "RssShmem")


def _status_kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def prefer(pid: int) -> None:
    """Let a process run before whatever else the machine does, where that is permitted: it is not to be
    measured with it."""
    with suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(_FIFO_PRIORITY))


def prefer_no_more() -> None:
    """As to this process."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@dataclass(frozen=True, slots=True)
class Cores:
    """The engine has one for itself; the load and the reader share the other."""

    engine: int
    others: int

    def pin_engine(self, pid: int) -> None:
        os.sched_setaffinity(pid, {self.engine})

    def pin_others(self, pid: int) -> None:
        os.sched_setaffinity(pid, {self.others})


def choose_cores() -> Cores | None:
    """None where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(engine=allowed[-1], others=allowed[-2]) if len(allowed) > 1 else None


def describe() -> dict[str, str]:
    """Processor, system, Python, numpy, and the commit where there is one."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cpu": f"{os.cpu_count()} x {model or platform.machine()}",
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "commit": _commit(),
        "scheduling": "fifo" if os.sched_getscheduler(0) == os.SCHED_FIFO else "other",
        "load_average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _commit() -> str:
    command = ("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
