"""A pause is judged while it lasts, and not after."""

from __future__ import annotations

import asyncio

from ari_bridge.providers.base import CallerPause
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings
from tests.conversation.fakes import Says, Scene, now_s


class SlowDetector:
    """Takes its time, and notes when it was asked and when its work ended, and whether by cancellation."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s
        self.work: list[tuple[float, float, bool]] = []

    async def turn_ends(self, pause: CallerPause) -> float:
        asked_s, cancelled = now_s(), True
        try:
            await asyncio.sleep(self._takes_s)
            cancelled = False
            return 0.1
        finally:
            self.work.append((asked_s, now_s(), cancelled))

    async def close(self) -> None: ...


def listened_by(detector: SlowDetector, *timeline: Says) -> Scene:
    agent = AgentSettings(
        greeting="", turns={"detector": "slow", "detector_timeout_ms": 2000, "end_of_turn_ms": 500}
    )
    return run(Scene(timeline, agent=agent, detector=detector).play())


def test_the_caller_who_goes_on_ends_the_model_s_work() -> None:
    detector = SlowDetector(takes_s=1.9)
    scene = listened_by(detector, Says(2.0, "I would like"), Says(3.35, "a table"))
    asked_s, ended_s, cancelled = detector.work[0]
    assert cancelled
    assert ended_s - scene.port.start_s < 3.6  # at the voice's onset, not at the time limit
    assert ended_s - asked_s < 0.5


def test_so_does_the_end_of_the_turn() -> None:
    detector = SlowDetector(takes_s=1.9)
    scene = listened_by(detector, Says(2.0, "what are your hours"))
    ((_, ended_s, cancelled),) = detector.work
    assert cancelled
    assert ended_s - scene.port.start_s < 4.0
    assert ("agent", "You said what are your hours.") in scene.turns


def test_a_verdict_in_time_is_not_cut_off_by_the_end_it_brings() -> None:
    detector = SlowDetector(takes_s=0.1)
    listened_by(detector, Says(2.0, "what are your hours"))
    assert [cancelled for _, _, cancelled in detector.work] == [False]
