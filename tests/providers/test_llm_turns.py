from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from ari_bridge.core.messages import UNKNOWN_RESULT, Message, Role, ToolCall
from ari_bridge.providers.llm.turns import (
    CALL_BEGINS,
    GO_ON,
    INTERRUPTED,
    NOT_UNDERSTOOD,
    AgentTurn,
    CallerTurn,
    ResultsTurn,
    ToolResult,
    talk_of,
)

IDS = st.sampled_from(["a", "b", "call_1", "x/1 é", "i" * 200, ""])
CALLS = st.lists(st.builds(ToolCall, IDS, st.just("book"), st.just({})), max_size=3).map(tuple)
MESSAGES = st.lists(
    st.one_of(
        st.builds(Message, st.sampled_from([Role.SYSTEM, Role.CALLER]), st.text(max_size=5)),
        st.builds(Message, st.just(Role.AGENT), st.text(max_size=5), st.booleans(), CALLS),
        st.builds(lambda text, i: Message(Role.TOOL, text, tool_call_id=i), st.text(max_size=5), IDS),
    ),
    max_size=12,
)


@given(MESSAGES)
@example(
    [Message(Role.AGENT, "", tool_calls=(ToolCall("a", "f", {}),)), Message(Role.TOOL, " ", tool_call_id="a")]
)
def test_any_history_keeps_every_vendor_s_order(history: list[Message]) -> None:
    turns = talk_of(history).turns
    assert isinstance(turns[0], CallerTurn)
    assert isinstance(turns[-1], CallerTurn | ResultsTurn)
    for first, second in pairwise(turns):
        assert type(first) is not type(second)
        calls = first.calls if isinstance(first, AgentTurn) else ()
        results = second.results if isinstance(second, ResultsTurn) else ()
        assert [call.call_id for call in calls] == [result.call_id for result in results]
    for turn in turns:
        match turn:
            case CallerTurn(text):
                assert text.strip()
            case AgentTurn(text, calls):
                assert text.strip() or calls
            case ResultsTurn(results):
                assert all(result.text.strip() for result in results)
                assert all(0 < len(result.call_id) <= 40 for result in results)
        repr(turn).encode()


def test_who_began_and_who_spoke_twice() -> None:
    talk = talk_of(
        [
            Message(Role.SYSTEM, "Be kind."),
            Message(Role.SYSTEM, "Summary: none."),
            Message(Role.AGENT, "Hello."),
            Message(Role.AGENT, "Who is there?"),
            Message(Role.CALLER, "Me."),
            Message(Role.CALLER, "Ann."),
            Message(Role.AGENT, "Hello Ann."),
        ]
    )
    assert talk.system == "Be kind.\n\nSummary: none."
    assert talk.turns == (
        CallerTurn(CALL_BEGINS),
        AgentTurn("Hello.\nWho is there?"),
        CallerTurn("Me.\nAnn."),
        AgentTurn("Hello Ann."),
        CallerTurn(GO_ON),
    )


def test_an_interruption_is_told_to_the_next_caller_message_only() -> None:
    cut = Message(Role.AGENT, "We open", interrupted=True)
    turns = talk_of([cut, Message(Role.CALLER, "Wait!"), Message(Role.CALLER, "")]).turns
    assert turns[1:] == (AgentTurn("We open"), CallerTurn(f"{INTERRUPTED}\nWait!\n{NOT_UNDERSTOOD}"))
    # Whoever gives an instruction there has told it in its own words.
    turns = talk_of([cut, Message(Role.SYSTEM, "Go on."), Message(Role.CALLER, "Yes")]).turns
    assert turns[-1] == CallerTurn("(Instruction: Go on.)\nYes")


def test_results_stand_behind_their_calls_wherever_they_came() -> None:
    calls = (ToolCall("a", "book", {}), ToolCall("b", "look", {}), ToolCall("c", "hangup", {}))
    turns = talk_of(
        [
            Message(Role.CALLER, "Book."),
            Message(Role.AGENT, "", tool_calls=calls),
            Message(Role.TOOL, "found", tool_call_id="b"),
            Message(Role.CALLER, "Hello?"),
            Message(Role.TOOL, "booked", tool_call_id="a"),
        ]
    ).turns
    assert turns[2] == ResultsTurn(
        (
            ToolResult("a", "book", "booked"),
            ToolResult("b", "look", "found"),
            ToolResult("c", "hangup", UNKNOWN_RESULT),
        )
    )
    assert turns[3] == CallerTurn("Hello?")


def test_an_answer_is_owed_unless_a_tool_was_the_last() -> None:
    assert talk_of([Message(Role.CALLER, "Hello")]).is_answer_owed
    assert not talk_of([Message(Role.CALLER, "Bye"), Message(Role.TOOL, "done")]).is_answer_owed
