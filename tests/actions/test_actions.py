"""Actions: what a model is offered, and what comes of its choice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.actions.base import ActionContext, ActionResult
from ari_bridge.actions.registry import actions
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.settings import DestinationSettings, DigitSettings
from tests.actions.desk import desk

HUMANS = ActionContext(
    {
        "sales": DestinationSettings(context="humans", exten="sales", endpoint="PJSIP/6001"),
        "night": DestinationSettings(context="voicemail", exten="100", priority=2),
    },
    {"card": DigitSettings(min=12, max=19, variable="CARD")},
    languages=("en", "de"),
)
NOBODY = ActionContext({})


def do(name: str, arguments: dict[str, Any], context: ActionContext = HUMANS) -> ActionResult:
    return asyncio.run(_do(name, arguments, context))


async def _do(name: str, arguments: dict[str, Any], context: ActionContext) -> ActionResult:
    return await actions()[name].run(arguments, desk(context))


def test_the_registry_finds_them() -> None:
    assert sorted(actions()) == [
        *("attended_transfer", "collect_digits", "conference", "continue_in_dialplan", "hangup", "hold"),
        *("mute", "recall", "record", "repeat", "send_dtmf", "speaking_pace", "supervise"),
        *("switch_language", "transfer", "unhold", "unmute"),
    ]


@pytest.mark.parametrize("name", sorted(actions()))
def test_each_describes_itself_to_a_model(name: str) -> None:
    spec = actions()[name].spec(HUMANS)
    assert spec is not None
    assert spec.name == name
    assert spec.description
    assert spec.parameters["type"] == "object"
    assert spec.parameters["additionalProperties"] is False
    assert set(spec.parameters.get("required", ())) <= set(spec.parameters["properties"])


def test_hanging_up_ends_the_call() -> None:
    assert do("hangup", {}).outcome == Outcome(Status.COMPLETED, "AGENT")


def test_without_other_languages_there_is_nothing_to_switch_to() -> None:
    assert actions()["switch_language"].spec(NOBODY) is None


def test_what_there_is_not_is_said() -> None:
    assert do("speaking_pace", {"pace": "warp"}).result.startswith("There is no such pace.")
    assert do("switch_language", {"language": "xx"}).result.startswith("There is no such language.")


def test_a_model_can_only_choose_destinations_that_are_set() -> None:
    spec = actions()["transfer"].spec(HUMANS)
    assert spec is not None
    assert spec.parameters["properties"]["destination"]["enum"] == ["night", "sales"]
    asked_first = actions()["attended_transfer"].spec(HUMANS)
    assert asked_first is not None
    assert asked_first.parameters["properties"]["destination"]["enum"] == ["sales"], "night has no telephone"
    for name in ("transfer", "attended_transfer", "conference", "supervise", "collect_digits"):
        assert actions()[name].spec(NOBODY) is None


def test_a_transfer_goes_where_the_settings_say() -> None:
    result = do("transfer", {"destination": "night"})
    assert result.outcome == Outcome(Status.TRANSFER, "night", context="voicemail", exten="100", priority=2)
    assert "night" in result.result


def test_a_place_that_the_dialplan_lacks_is_told_before_the_caller_goes() -> None:
    lost = ActionContext({"lost": DestinationSettings(context="nowhere")})
    result = do("transfer", {"destination": "lost"}, lost)
    assert result.outcome is None
    assert "no such place" in result.result


@given(
    st.dictionaries(st.sampled_from(["destination", "exten"]), st.none() | st.text() | st.lists(st.text()))
)
def test_bad_arguments_are_told_and_do_nothing(arguments: dict[str, object]) -> None:
    if arguments.get("destination") in ("sales", "night"):
        return
    for name in ("transfer", "attended_transfer", "conference", "supervise"):
        result = do(name, arguments)
        assert result.outcome is None
        assert result.result.startswith("There is no such destination. Destinations: ")


@given(st.text(max_size=300))
def test_no_word_of_a_model_is_syntax_for_the_dialplan(summary: str) -> None:
    outcome = do("continue_in_dialplan", {"summary": summary}).outcome
    assert outcome is not None
    kept = outcome.variables["ARIBRIDGESUMMARY"]
    assert len(kept) <= 200
    assert not set(kept) & set('${}[]"\\,;\r\n\0')


@pytest.mark.parametrize("digits", [None, "", "12x", "1" * 33, "1\r", ["1"]])
def test_only_keys_are_pressed(digits: object) -> None:
    assert do("send_dtmf", {"digits": digits}).result.startswith("Nothing was pressed")
