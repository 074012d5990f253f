"""Actions: what a model is offered, and what comes of its choice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.pbx.call import Outcome, Status
from ari_bridge.settings import DestinationSettings

HUMANS = ActionContext(
    {
        "sales": DestinationSettings(context="humans", exten="sales"),
        "night": DestinationSettings(context="voicemail", exten="100", priority=2),
    }
)
NOBODY = ActionContext({})


def test_the_registry_finds_them() -> None:
    assert sorted(actions()) == ["hangup", "transfer"]


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
    assert actions()["hangup"].run({}, NOBODY).outcome == Outcome(Status.COMPLETED, "AGENT")


def test_a_model_can_only_choose_destinations_that_are_set() -> None:
    spec = actions()["transfer"].spec(HUMANS)
    assert spec is not None
    assert spec.parameters["properties"]["destination"]["enum"] == ["night", "sales"]
    assert actions()["transfer"].spec(NOBODY) is None


def test_a_transfer_goes_where_the_settings_say() -> None:
    result = actions()["transfer"].run({"destination": "night"}, HUMANS)
    assert result.outcome == Outcome(Status.TRANSFER, "night", context="voicemail", exten="100", priority=2)
    assert "night" in result.result


@given(
    st.dictionaries(st.sampled_from(["destination", "exten"]), st.none() | st.text() | st.lists(st.text()))
)
def test_bad_arguments_are_told_and_do_nothing(arguments: dict[str, object]) -> None:
    if arguments.get("destination") in ("sales", "night"):
        return
    result = actions()["transfer"].run(arguments, HUMANS)
    assert result.outcome is None
    assert result.result == "There is no such destination. Destinations: night, sales."
