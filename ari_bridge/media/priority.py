"""The scheduling of the media process: real time where the system permits it, and never for too long.

SCHED_FIFO runs us before every ordinary program as soon as a tick is due. Linux takes 50 ms of every second
away from real-time programs that leave less of it to others (sched_rt_runtime_us; since Linux 6.12 a deadline
server), which would be a hole in every call; so above LEAVE_AT of a core we go on as an ordinary program with
a low nice value, until the load has been below RETURN_AT for a while. Both need CAP_SYS_NICE (or
RLIMIT_RTPRIO and RLIMIT_NICE); without it we do as we can.
"""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum

NICE = -15
_FIFO_PRIORITY = 1
"""The lowest: behind the kernel's own threads and whatever else the host runs in real time."""

REVIEW_S = 0.25
LEAVE_AT = 0.92
_BUSY_REVIEWS = 2
"""In a row above LEAVE_AT. One may be a burst of new calls; two at full load, and the time to notice, are
well below the second after which we would be throttled."""
RETURN_AT = 0.8
_CALM_REVIEWS = 40


class Priority(Enum):
    FIFO = "SCHED_FIFO"
    NICE = f"nice {NICE}"
    NORMAL = "normal priority"


class PriorityPolicy:
    """Decides, from the CPU time used, whether real time is still good for us."""

    def __init__(self, permitted: set[Priority], now: float, cpu_s: float) -> None:
        self._best = Priority.FIFO if Priority.FIFO in permitted else Priority.NORMAL
        self._fallback = Priority.NICE if Priority.NICE in permitted else Priority.NORMAL
        if self._best is Priority.NORMAL:
            self._best = self._fallback
        self.chosen = self._best
        self._since_s, self._cpu_s = now, cpu_s
        self._calm = self._busy = 0

    def review(self, now: float, cpu_s: float) -> bool:
        """Whether `chosen` has changed. `cpu_s` is the process's CPU time so far."""
        passed_s = now - self._since_s
        if passed_s < REVIEW_S or self._best is self._fallback:
            return False
        load = (cpu_s - self._cpu_s) / passed_s
        self._since_s, self._cpu_s = now, cpu_s
        self._calm = self._calm + 1 if load < RETURN_AT else 0
        self._busy = self._busy + 1 if load > LEAVE_AT else 0
        before = self.chosen
        if self._busy >= _BUSY_REVIEWS:
            self.chosen = self._fallback
        elif self._calm >= _CALM_REVIEWS:
            self.chosen = self._best
        return self.chosen is not before


def permitted_priorities() -> set[Priority]:
    """What the system lets this process have; tries each, and leaves the best in force."""
    permitted = {Priority.NORMAL}
    for priority in (Priority.NICE, Priority.FIFO):
        with suppress(OSError):
            if apply(priority):
                permitted.add(priority)
    return permitted


def apply(priority: Priority) -> bool:
    """False when this system has no such thing. Raises OSError when it is not permitted."""
    if priority is Priority.FIFO:
        if not hasattr(os, "sched_setscheduler"):  # macOS
            return False
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_FIFO_PRIORITY))
        return True
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    if priority is Priority.NICE:
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    return True
