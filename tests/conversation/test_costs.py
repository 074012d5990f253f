"""What a call has cost is in its record, by service."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from ari_bridge.conversation.cascade.metered import MeteredModel
from ari_bridge.conversation.line import Costs
from ari_bridge.core.messages import Message, ToolSpec
from ari_bridge.providers.base import ReplyDelta, TextDelta, Usage
from ari_bridge.scenario.virtual_time import run
from ari_bridge.store.record import UsageRecord
from tests.conversation.fakes import Says, Scene


def test_services_are_counted_each_by_itself() -> None:
    costs = Costs()
    costs.count(Usage(100, 20, "acme large", cached_tokens=80))
    costs.count(Usage(service="acme voice", characters=12, audio_s=0.1))
    costs.count(Usage(50, 5, "acme large"))
    costs.count(Usage(service="acme voice", characters=30, audio_s=0.2))
    assert costs.records() == [
        UsageRecord("acme large", 2, input_tokens=150, cached_tokens=80, output_tokens=25),
        UsageRecord("acme voice", 2, audio_s=0.3, characters=42),
    ]


class _Model:
    phrases = ()

    async def reply(
        self, history: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[ReplyDelta, None]:
        yield TextDelta("Yes.")
        yield Usage(7, 1, "acme")

    async def close(self) -> None: ...


def test_a_model_s_usage_is_counted_and_not_passed_on() -> None:
    counted: list[Usage] = []

    async def main() -> list[ReplyDelta]:
        async with aclosing(MeteredModel(_Model(), counted.append).reply((), ())) as deltas:
            return [delta async for delta in deltas]

    assert run(main()) == [TextDelta("Yes.")]
    assert counted == [Usage(7, 1, "acme")]


def test_engines_get_the_call_s_meter() -> None:
    costs = Costs()

    async def main() -> Scene:
        return await Scene([Says(2.0, "hello")], meter=costs.count).play()

    scene = run(main())
    scene.stt.contexts[0].meter(Usage(service="ear", audio_s=1.0))
    scene.tts.contexts[-1].meter(Usage(service="voice", characters=5))
    assert [record.service for record in costs.records()] == ["ear", "voice"]
