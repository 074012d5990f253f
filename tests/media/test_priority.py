"""Real time while it is harmless, by a clock turned by hand."""

from __future__ import annotations

import os
import sys

import pytest

from ari_bridge.media.priority import NICE, Priority, PriorityPolicy, apply, permitted_priorities

ALL = {Priority.FIFO, Priority.NICE, Priority.NORMAL}


class Machine:
    """A process and the load it makes."""

    def __init__(self, permitted: set[Priority] = ALL) -> None:
        self.now, self.cpu_s = 100.0, 3.0
        self.policy = PriorityPolicy(permitted, self.now, self.cpu_s)
        self.changes = 0

    def run(self, seconds: float, load: float) -> Priority:
        for _ in range(round(seconds / 0.0025)):
            self.now += 0.0025
            self.cpu_s += 0.0025 * load
            self.changes += self.policy.review(self.now, self.cpu_s)
        return self.policy.chosen


def test_the_best_that_is_permitted_is_chosen() -> None:
    assert Machine().policy.chosen is Priority.FIFO
    assert Machine({Priority.NICE, Priority.NORMAL}).policy.chosen is Priority.NICE
    assert Machine({Priority.NORMAL}).policy.chosen is Priority.NORMAL


def test_full_load_ends_real_time_before_the_system_throttles_us() -> None:
    machine = Machine()
    assert machine.run(60, 0.88) is Priority.FIFO
    assert machine.run(0.75, 1.0) is Priority.NICE
    assert machine.run(9, 0.75) is Priority.NICE, "not back at the first lull"
    assert machine.run(2, 0.75) is Priority.FIFO
    assert machine.changes == 2


def test_a_burst_is_no_load_that_stays() -> None:
    machine = Machine()
    for _ in range(10):
        machine.run(0.25, 1.0)
        assert machine.run(0.25, 0.6) is Priority.FIFO


def test_without_nice_it_is_left_for_the_normal_priority() -> None:
    assert Machine({Priority.FIFO, Priority.NORMAL}).run(1, 1.0) is Priority.NORMAL


def test_what_cannot_be_changed_is_not() -> None:
    machine = Machine({Priority.NICE, Priority.NORMAL})
    assert machine.run(5, 1.0) is Priority.NICE
    assert machine.changes == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's schedulers")
def test_the_system_does_what_is_asked() -> None:
    """In a child: what a process has given up it may not get back."""
    pid = os.fork()
    if pid == 0:
        permitted = permitted_priorities()
        good = (os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO) == (
            Priority.FIFO in permitted
        )
        if Priority.NICE in permitted:
            apply(Priority.NICE)
            good &= os.sched_getscheduler(0) == os.SCHED_OTHER
            good &= os.getpriority(os.PRIO_PROCESS, 0) == NICE
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
