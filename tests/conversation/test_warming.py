"""Connections are opened while the greeting plays."""

from __future__ import annotations

from ari_bridge.providers.base import Warming
from ari_bridge.scenario.virtual_time import run
from tests.conversation.fakes import FakeLlm, Says, Scene


class WarmLlm(FakeLlm):
    warmed_after: int | None = None
    """So many requests."""

    async def warm(self) -> None:
        self.warmed_after = len(self.asked)


def test_the_model_is_warm_before_the_caller_has_said_a_word() -> None:
    model = WarmLlm(lambda history: ["Yes."])
    assert isinstance(model, Warming)

    def use_it(scene: Scene) -> None:
        scene.llm = model

    async def main() -> None:
        await Scene([Says(2.0, "hello")], prepare=use_it).play()

    run(main())
    assert model.asked
    assert model.warmed_after == 0
