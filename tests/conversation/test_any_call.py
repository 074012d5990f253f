"""Whole conversations in which callers and engines misbehave at random, through the real shell.

The session's rules are checked in thousands of turns by tests/dialogue/simulation.py; here, fewer of them
with the tasks, the port and the streams around it: what leaves for the caller, and what is left over.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from ari_bridge.actions.base import Action, ActionResult, Desk
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Message, ToolCall, ToolSpec
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.pbx.call import Status
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, PatienceSettings, TurnSettings
from tests.conversation.fakes import Answer, Says, Scene

TEXTS = ("stop", "uh-huh", "", "yes", "what does it cost", "I would like", "okay right")
LASTS_S = 60.0
PATIENCE = PatienceSettings(filler_after_s=1.0, no_input_s=6.0)


class Chaos:
    """One call, by its seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.effects: Counter[str] = Counter()
        self.calls = 0
        self.scene = Scene(
            list(self._voices()),
            self._answer,
            agent=AgentSettings(
                greeting="Hello there, how can I help you today?",
                actions=("book",),
                turns=TurnSettings(eager=self.random.random() < 0.7),
            ),
            actions=[Action("book", lambda _: ToolSpec("book", "it", {"type": "object"}), self._book)],
            patience=PATIENCE,
            hangs_up_at_s=LASTS_S,
            stt_delay_s=self.random.choice((0.0, 0.05, 0.4, 1.5)),
            tts_cost_s=self.random.choice((0.0, 0.02, 0.25)),
            prepare=self._prepare,
        )

    def _voices(self) -> Sequence[Says]:
        at_s, found = self.random.uniform(0.3, 3.0), []
        while at_s < 55:
            lasts_s = self.random.choice((0.14, 0.3, 0.5, 1.0, 2.0))
            found.append(Says(at_s, self.random.choice(TEXTS), lasts_s))
            at_s += lasts_s + self.random.choice((0.2, 0.5, 1.5, 3.0, 6.0, 6.0))
        return found

    def _prepare(self, scene: Scene) -> None:
        for number in range(40):
            if self.random.random() < 0.05:
                scene.stt.fail_on[number] = ProviderError("lost the connection", retryable=True)
        if self.random.random() < 0.2:
            scene.tts.errors = [ProviderError("busy", retryable=True)]

    def _answer(self, history: Sequence[Message]) -> Answer:
        parts: list[str | float | ToolCall | ProviderError] = []
        for _ in range(self.random.randrange(5)):
            self.calls += 1
            parts += self.random.choice(
                (
                    [f"We are open from nine to {self.calls}. Shall I book it?"],
                    [f"Well {self.calls}."],
                    [self.random.choice((0.1, 0.5, 3.0))],
                    [ToolCall(f"t{self.calls}", "book", {"it": self.calls})],
                    ["..."],
                )
            )
        if self.random.random() < 0.02:
            parts.append(ProviderError("broken", retryable=True))
        return parts

    async def _book(self, arguments: Mapping[str, Any], desk: Desk) -> ActionResult:
        self.effects[str(arguments["it"])] += 1
        return ActionResult("booked")


@pytest.mark.parametrize("seed", range(16))
def test_whatever_happens_the_call_holds_its_promises(seed: int) -> None:
    chaos = Chaos(seed)
    scene = run(chaos.scene.play())
    assert scene.outcome.status in (Status.HANGUP, Status.TIMEOUT, Status.FAILED)
    assert all(count == 1 for count in chaos.effects.values()), "no effect twice"
    _nothing_leaves_after_a_flush(scene)
    _nothing_is_spoken_that_nobody_knows_of(scene)
    _nobody_waits_for_ever(scene)


def _nothing_leaves_after_a_flush(scene: Scene) -> None:
    """Positions jump over what was flushed: none of it left later, and never backwards."""
    positions = [position for _, position in scene.port.sent_at]
    assert positions == sorted(set(positions))
    for flushed_s, heard, queued in scene.port.flushed:
        later = [position for at_s, position in scene.port.sent_at if at_s > flushed_s]
        assert not [position for position in later if heard < position <= queued]


def _nothing_is_spoken_that_nobody_knows_of(scene: Scene) -> None:
    """A sentence of an answer that was dropped is not spoken after all."""
    told = set(scene.told(LiveKind.AGENT_SAYS))
    flushed_s = max(scene.port.flushes, default=0.0)
    for at_s, sentence in scene.tts.spoken:
        since_s = at_s - scene.port.start_s
        assert sentence in told or since_s <= flushed_s or scene.ended_s - since_s < 3, sentence


def _nobody_waits_for_ever(scene: Scene) -> None:
    """Words that are followed by a long silence of the caller's are answered, or filled in for."""
    for says, following in pairwise(scene.timeline):
        silent_s = says.at_s + says.seconds
        if (
            says.text
            and says.seconds >= 0.5
            and following.at_s - silent_s > 5.9
            and scene.ended_s > silent_s + 6
        ):
            assert scene.sent_between(silent_s, silent_s + 6), f"nothing after {silent_s:.1f} s"
