"""Digits from the caller's keys: when the input ends, who gets it, and who must not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.scenario.virtual_time import run as run_virtual
from ari_bridge.settings import DigitSettings
from tests.actions.desk import FakeTalk, desk
from tests.conversation.fakes import FakeControl

CARD = DigitSettings(min=4, max=6, first_s=3, next_s=2, variable="CARD")
ORDER = DigitSettings(min=2, max=6, first_s=3, next_s=2, masked=False)


def collect(
    wanted: DigitSettings,
    keys: Sequence[tuple[float, str]],
    *,
    asking_s: float = 1.0,
    recording: bool = False,
) -> tuple[str, FakeControl, FakeTalk]:
    async def main() -> tuple[str, FakeControl, FakeTalk]:
        at = desk(ActionContext({}, {"it": wanted}), keys, asking_s=asking_s)
        call: Any = at.call
        talk: Any = at.talk
        call.recording = recording
        result = await actions()["collect_digits"].run({"digits": "it"}, at)
        assert result.outcome is None
        return result.result, call, talk

    return run_virtual(main())


def typed(text: str, gap_s: float = 0.2) -> list[tuple[float, str]]:
    return [(gap_s, key) for key in text]


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        (typed("1234#99"), 4),  # the end key
        (typed("123456789"), 6),  # as many as there may be
        ([*typed("12345"), (2.5, "6")], 5),  # a pause
        ([(3.9, "1"), *typed("234#")], 4),  # 3 s after the request was heard, which took 1 s
    ],
)
def test_the_input_ends(keys: list[tuple[float, str]], count: int) -> None:
    result, call, talk = collect(CARD, keys)
    assert result == f"The caller typed {count} digits. They are kept from you."
    assert talk.secret is True
    assert call.variables["CARD"] == "123456"[:count]


@pytest.mark.parametrize("keys", [[], [(4.5, "1")], typed("123#")])
def test_too_few_are_told_without_them(keys: list[tuple[float, str]]) -> None:
    result, call, _ = collect(CARD, keys)
    assert "needs at least 4" in result
    assert call.variables == {}


def test_digits_that_are_no_secret_are_told() -> None:
    result, call, talk = collect(ORDER, typed("4711#"))
    assert (result, talk.secret, call.variables) == ("The caller typed 4711.", False, {})


def test_a_recording_pauses_while_secrets_are_typed() -> None:
    _, call, _ = collect(CARD, typed("1234#"), recording=True)
    assert call.verbs == ["pause recording", "resume recording"]


def test_masked_digits_need_somewhere_to_go() -> None:
    with pytest.raises(ValueError, match="variable"):
        DigitSettings(masked=True)
