from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from ari_bridge.conversation.cascade.verdict import verdict
from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import CallerPause

PAUSE = CallerPause(np.zeros(1600, np.int16), 8000, "en", "my number is", "What is your number?")


class Detector:
    """Answers with `ends`, after `delay_s`."""

    def __init__(self, ends: float | ProviderError, delay_s: float = 0.0) -> None:
        self._ends, self._delay_s = ends, delay_s
        self.cancelled = False

    async def turn_ends(self, pause: CallerPause) -> float:
        try:
            await asyncio.sleep(self._delay_s)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if isinstance(self._ends, ProviderError):
            raise self._ends
        return self._ends

    async def close(self) -> None:
        pass


def test_a_verdict_in_time_counts() -> None:
    assert asyncio.run(verdict(Detector(0.2), PAUSE, 100)) == 0.2


def test_a_late_one_is_cancelled() -> None:
    detector = Detector(0.2, delay_s=60)
    assert asyncio.run(verdict(detector, PAUSE, 10)) is None
    assert detector.cancelled


@pytest.mark.parametrize("ends", [ProviderError("gone", retryable=True), math.nan, -0.1, 1.1, math.inf])
def test_failures_and_nonsense_are_no_verdict(ends: float | ProviderError) -> None:
    assert asyncio.run(verdict(Detector(ends), PAUSE, 100)) is None


def test_who_asks_can_be_cancelled() -> None:
    async def main() -> None:
        detector = Detector(0.2, delay_s=60)
        asking = asyncio.create_task(verdict(detector, PAUSE, 10_000))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        assert detector.cancelled

    asyncio.run(main())
