"""A tool's time, its tries, and what is known afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from ari_bridge.core.errors import ToolError
from ari_bridge.core.messages import Standing
from ari_bridge.scenario import virtual_time
from ari_bridge.tools.base import Ran
from ari_bridge.tools.running import run
from tests.tools.helpers import tool


class Fails:
    """Fails `times` times, then works."""

    def __init__(self, times: int, *, happened: bool = True, retryable: bool = True) -> None:
        self.left = times
        self.error = ToolError("no luck.", happened=happened, retryable=retryable)
        self.keys: list[str] = []

    async def __call__(self, arguments: Mapping[str, Any], key: str) -> str:
        self.keys.append(key)
        if self.left:
            self.left -= 1
            raise self.error
        return "Booked."


def play(work: Fails, **declared: Any) -> Ran:
    return virtual_time.run(run(tool(work, **declared), {"people": 2}, "key"))


def test_only_what_may_happen_twice_is_tried_again_with_the_same_key() -> None:
    once, looks_up, idempotent = Fails(1), Fails(2), Fails(2)
    assert play(once).standing is Standing.UNKNOWN
    assert once.keys == ["key"]
    assert play(looks_up, effects=False) == Ran("Booked.", Standing.DONE)
    assert play(idempotent, idempotent=True) == Ran("Booked.", Standing.DONE)
    assert idempotent.keys == ["key"] * 3


def test_tries_end() -> None:
    work = Fails(9)
    assert play(work, idempotent=True, retries=1).standing is Standing.UNKNOWN
    assert len(work.keys) == 2


def test_what_will_not_pass_is_not_tried_again() -> None:
    work = Fails(1, retryable=False)
    assert play(work, effects=False) == Ran("That did not work: no luck.", Standing.NOT_DONE)
    assert len(work.keys) == 1


@pytest.mark.parametrize(
    ("happened", "effects", "standing"),
    [
        (True, True, Standing.UNKNOWN),
        (False, True, Standing.NOT_DONE),
        (True, False, Standing.NOT_DONE),
    ],
)
def test_a_failure_says_whether_it_may_have_happened(
    happened: bool, effects: bool, standing: Standing
) -> None:
    ran = play(Fails(9, happened=happened, retryable=False), effects=effects)
    assert ran.standing is standing
    assert ran.text.startswith("It is not known") is (standing is Standing.UNKNOWN)


def test_the_time_limit_is_for_all_tries_together() -> None:
    async def slow(arguments: Mapping[str, Any], key: str) -> str:
        await asyncio.sleep(1.5)
        raise ToolError("slow.", happened=True, retryable=True)

    async def main() -> tuple[Ran, float]:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        ran = await run(tool(slow, idempotent=True, retries=5, timeout_s=4.0), {}, "key")
        return ran, loop.time() - start_s

    ran, took_s = virtual_time.run(main())
    assert took_s == pytest.approx(4.0)
    assert (ran.standing, "within 4 seconds" in ran.text) == (Standing.UNKNOWN, True)
