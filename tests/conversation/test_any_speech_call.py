"""Calls in which the caller, the line and the engine misbehave at random, through the real shell: what must
be so whatever happens."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict

import numpy as np
import pytest

from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import ToolCall
from ari_bridge.pbx.call import CallerBack, CallerHeld, Digit, PbxEvent, Status
from ari_bridge.providers.speech import base as b
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, PatienceSettings, TurnSettings
from tests.conversation.fakes import Says
from tests.conversation.speech_scene import Answer, SpeechScene

LASTS_S = 45.0
PATIENCE = PatienceSettings(filler_after_s=1.0, no_input_s=5.0)
BROKE = ProviderError("it broke", retryable=True)


class Chaos:
    """One call, by its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.calls = 0
        self.made: dict[str, int] = defaultdict(int)
        """Samples by item, as the engine sent them."""
        self.scene = SpeechScene(
            [],
            self._answer,
            agent=AgentSettings(
                greeting="Hello there.",
                actions=("look_up",),
                turns=TurnSettings(digit_pause_ms=self.random.choice((0, 800))),
            ),
            patience=PATIENCE,
            prepare=self._prepare,
            hangs_up_at_s=LASTS_S,
            has_own_voice=self.random.random() < 0.5,
            abilities=self.random.choice(
                (b.Abilities(), b.Abilities(), b.Abilities(can_be_asked=False, tells_of_caller=False))
            ),
        )

    async def play(self) -> SpeechScene:
        scene = self.scene
        at_s, said = 1.0, []
        while at_s < LASTS_S - 2:
            said.append(Says(at_s, f"words {len(said)}", self.random.choice((0.1, 0.3, 1.0, 2.5))))
            at_s += said[-1].seconds + self.random.uniform(0.1, 5.0)
        scene.timeline = said
        events: list[tuple[float, PbxEvent]] = []
        for _ in range(self.random.randrange(4)):
            when_s = self.random.uniform(1, LASTS_S - 12)
            events.append((when_s, Digit(self.random.choice("123#"), 100, when_s)))
        if self.random.random() < 0.4:
            when_s = self.random.uniform(2, LASTS_S - 12)
            events += [(when_s, CallerHeld(when_s)), (when_s + 6, CallerBack(when_s + 6))]
        scene.events = events
        return await scene.play()

    def _prepare(self, scene: SpeechScene) -> None:
        scene.engine.onset_frames = self.random.choice((4, 8, 20))
        scene.engine.text_delay_s = self.random.choice((0.1, 0.8, 3.0))
        scene.engine.thinks_s = self.random.choice((0.0, 0.2, 1.5))
        if self.random.random() < 0.3:
            scene.engine.refuses = [BROKE]
        loop = asyncio.get_running_loop()
        for _ in range(self.random.randrange(3)):
            loop.call_later(self.random.uniform(1, LASTS_S), self._break)

    def _break(self) -> None:
        if self.scene.engine.sessions:
            self.scene.engine.sessions[-1].put(self.random.choice((BROKE, None, b.Clear(), b.Mark("m"))))

    def _answer(self, said: str) -> Answer:
        self.calls += 1
        words = " ".join(f"w{index}" for index in range(self.random.randrange(1, 40)))
        return self.random.choice(
            (
                [words],
                [words, ToolCall(f"t{self.calls}", "look_up", {"order": str(self.calls)})],
                [ToolCall(f"t{self.calls}", "look_up", {"order": str(self.calls)}), 0.3, words],
                [words, 1.0, words],
                [
                    b.AgentText(f"x{self.calls}", "endless "),
                    b.AgentAudio(f"x{self.calls}", np.ones(4000, np.int16)),
                ],
                [],
            )
        )


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens(seed: int) -> None:
    chaos = Chaos(seed)
    scene = run(chaos.play())
    turns = scene.conversation.line.turns
    assert scene.outcome.status in (Status.HANGUP, Status.TIMEOUT, Status.FAILED)
    for turn in turns:
        assert turn.start_ms <= turn.end_ms
        if turn.who == "agent":
            assert turn.text.startswith(turn.heard or ""), "what was heard is the beginning of what was meant"
            assert turn.interrupted or turn.heard == turn.text
    starts = [turn.start_ms for turn in turns if turn.who == "agent"]
    assert starts == sorted(starts), "in the order in which they were heard"
    for cut in scene.of(b.Cut):
        assert isinstance(cut, b.Cut)
        assert cut.heard_samples >= 0
    cut_items = [cut.item for cut in scene.of(b.Cut) if isinstance(cut, b.Cut)]
    assert len(cut_items) == len(set(cut_items)), "each item is cut once"
    answered = [one.call_id for one in scene.of(b.ToolResult) if isinstance(one, b.ToolResult)]
    assert len(answered) == len(set(answered)), "each tool is answered once"
    assert scene.port.heard <= scene.port.queued
