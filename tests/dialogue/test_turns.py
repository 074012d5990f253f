from __future__ import annotations

import pytest

from ari_bridge.dialogue.turns import TABLE, Action, Event, State, Turns


def reachable() -> set[State]:
    found, open_ends = {State.LISTENING}, [State.LISTENING]
    while open_ends:
        for step in TABLE[open_ends.pop()].values():
            if step.state not in found:
                found.add(step.state)
                open_ends.append(step.state)
    return found


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TABLE) == set(State) == reachable()


def test_every_event_and_action_is_used() -> None:
    assert {event for row in TABLE.values() for event in row} == set(Event)
    assert {action for row in TABLE.values() for step in row.values() for action in step.actions} == set(
        Action
    )


@pytest.mark.parametrize("state", [s for s in State if s is not State.ENDED])
def test_a_failure_ends_the_conversation_from_anywhere(state: State) -> None:
    assert TABLE[state][Event.FAILED].state in (State.LEAVING, State.ENDED)


@pytest.mark.parametrize("state", [State.HELD, State.PAUSED])
def test_a_pause_is_always_undone_on_the_way_out(state: State) -> None:
    for event, step in TABLE[state].items():
        assert step.state is state or {Action.RESUME, Action.INTERRUPT} & set(step.actions), event


@pytest.mark.parametrize("state", [State.HELD, State.PAUSED])
def test_a_sound_is_always_dealt_with_on_the_way_out(state: State) -> None:
    verdicts = {Action.CLAIM_SOUND, Action.DISMISS_SOUND, Action.FORGET_SOUND}
    for event, step in TABLE[state].items():
        assert step.state is state or verdicts & set(step.actions), event


def test_only_leaving_leads_to_the_end_and_nothing_out_of_it() -> None:
    assert {s for s, row in TABLE.items() for step in row.values() if step.state is State.ENDED} == {
        State.LEAVING
    }
    turns = Turns()
    turns.state = State.ENDED
    assert [turns.on(event) for event in Event] == [()] * len(Event)


def test_what_is_not_in_the_table_changes_nothing() -> None:
    turns = Turns()
    assert turns.on(Event.TURN_ENDED) == ()
    assert turns.state is State.LISTENING
    assert turns.on(Event.VOICE_BEGAN) == (Action.OPEN_UTTERANCE,)
    assert turns.state is State.CALLER_SPEAKING
