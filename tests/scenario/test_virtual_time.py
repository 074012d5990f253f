"""The turned clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from ari_bridge.core.errors import InternalError
from ari_bridge.scenario.virtual_time import run, running_loop


def test_hours_pass_in_moments() -> None:
    async def main() -> float:
        began_s = asyncio.get_running_loop().time()
        await asyncio.gather(*(asyncio.sleep(3600 * hours) for hours in (1, 3, 2)))
        return asyncio.get_running_loop().time() - began_s

    began_s = time.monotonic()
    assert run(main()) == pytest.approx(3 * 3600)
    assert time.monotonic() - began_s < 5


def test_a_thread_s_work_takes_the_time_that_it_takes() -> None:
    async def main() -> float:
        began_s = asyncio.get_running_loop().time()
        await asyncio.to_thread(time.sleep, 0.2)
        return asyncio.get_running_loop().time() - began_s

    assert 0.1 < run(main()) < 5


def test_time_is_real_while_something_outside_works() -> None:
    async def main() -> tuple[float, float]:
        clock = asyncio.get_running_loop().time
        began_s, really_s = clock(), time.monotonic()
        with running_loop().work_outside():
            await asyncio.sleep(0.2)
        return clock() - began_s, time.monotonic() - really_s

    virtual_s, real_s = run(main())
    assert virtual_s == pytest.approx(0.2, abs=0.05)
    assert real_s >= 0.19


def test_a_deadlock_is_told_and_a_task_left_behind_too() -> None:
    async def deadlock() -> None:
        await asyncio.Event().wait()

    with pytest.raises(InternalError, match="never happen"):
        run(deadlock())

    async def careless() -> None:
        left.append(asyncio.create_task(asyncio.sleep(5)))

    left: list[asyncio.Task[None]] = []
    with pytest.raises(InternalError, match="left behind"):
        run(careless())
