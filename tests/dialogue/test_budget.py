"""The history within a token budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.dialogue.budget import (
    LOW_WATER,
    SUMMARY_HEADING,
    estimated_tokens,
    fold,
    summary_request,
    total_tokens,
)

SYSTEM = Message(Role.SYSTEM, "Be kind.")


def turn(number: int, *, tool: bool = False, length: int = 40) -> list[Message]:
    said = [Message(Role.CALLER, f"question {number} ".ljust(length, "q"))]
    if tool:
        call = ToolCall(f"call-{number}", "look_up", {"order": number})
        said.append(Message(Role.AGENT, "", tool_calls=(call,)))
        said.append(Message(Role.TOOL, f"result {number}", tool_call_id=call.call_id))
    return [*said, Message(Role.AGENT, f"answer {number} ".ljust(length, "a"))]


def history(turns: int, *, tool: bool = False) -> list[Message]:
    return [SYSTEM, *(message for number in range(turns) for message in turn(number, tool=tool))]


def test_what_fits_is_left_alone() -> None:
    messages = history(5)
    assert fold(messages, total_tokens(messages)) is None


def test_the_oldest_turns_go_and_the_last_stay_word_for_word() -> None:
    messages = history(10)
    where = fold(messages, total_tokens(messages) - 1)
    assert where is not None
    kept = where.with_summary(messages, "The caller asked things.")
    assert kept[0] == SYSTEM
    assert kept[1] == Message(Role.SYSTEM, f"{SUMMARY_HEADING} The caller asked things.")
    assert list(kept[2:]) == messages[where.last :]
    assert kept[2].role is Role.CALLER
    assert list(kept[-4:]) == messages[-4:]


def test_a_fold_lasts_for_a_while() -> None:
    """It brings the history down to the low-water mark, not just below the budget."""
    messages = history(20)
    budget = total_tokens(messages) - 1
    where = fold(messages, budget)
    assert where is not None
    left = total_tokens(where.with_summary(messages, ""))
    assert left <= budget * LOW_WATER + total_tokens(turn(0))


def test_the_tools_descriptions_count() -> None:
    messages = history(10)
    room = total_tokens(messages)
    assert fold(messages, room) is None
    assert fold(messages, room, tools_tokens=1) is not None


def test_one_turn_larger_than_the_budget_stays() -> None:
    messages = [SYSTEM, *turn(1, length=4000)]
    assert fold(messages, 100) is None
    assert fold([SYSTEM, *turn(0), *turn(1, length=4000)], 100, keep_turns=1) is not None


def test_an_earlier_summary_is_folded_in() -> None:
    messages = history(10)
    where = fold(messages, total_tokens(messages) - 1)
    assert where is not None
    again = [*where.with_summary(messages, "First things."), *turn(11), *turn(12), *turn(13)]
    second = fold(again, total_tokens(again) - 1)
    assert second is not None
    assert "First things." in summary_request(again, second)[1].text
    newest = second.with_summary(again, "All things.")
    assert sum(message.text.startswith(SUMMARY_HEADING) for message in newest) == 1


def test_the_request_is_plain_text() -> None:
    """No tool call in it: a model must not be brought to repeat one."""
    messages = history(6, tool=True)
    where = fold(messages, total_tokens(messages) // 2)
    assert where is not None
    request = summary_request(messages, where, words=50)
    assert [message.role for message in request] == [Role.SYSTEM, Role.CALLER]
    assert "50 words" in request[0].text
    assert 'calls look_up {"order": 0}' in request[1].text
    assert "result 0" in request[1].text


def test_tokens_grow_with_text_and_arguments() -> None:
    assert estimated_tokens(Message(Role.CALLER, "x" * 40)) == 14
    call = ToolCall("1", "look_up", {"order": "x" * 40})
    assert estimated_tokens(Message(Role.AGENT, "", tool_calls=(call,))) > 14


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 400)), min_size=1, max_size=12),
    st.integers(1, 1500),
    st.integers(1, 4),
)
def test_no_fold_tears_a_tool_from_its_result(turns: list[tuple[bool, int]], budget: int, keep: int) -> None:
    messages = [SYSTEM]
    for number, (tool, length) in enumerate(turns):
        messages += turn(number, tool=tool, length=length)
    where = fold(messages, budget, keep_turns=keep)
    if where is None:
        assert total_tokens(messages) <= budget or len(turns) <= keep
        return
    kept = where.with_summary(messages, "s")
    called = {call.call_id for message in kept for call in message.tool_calls}
    answered = {message.tool_call_id for message in kept if message.role is Role.TOOL}
    assert called == answered
    assert kept[2].role is Role.CALLER
    assert sum(message.role is Role.CALLER for message in kept) >= min(keep, len(turns))
