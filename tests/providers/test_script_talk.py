from __future__ import annotations

from ari_bridge.core.messages import Message, Role
from ari_bridge.providers.llm.script import EXAMPLE
from ari_bridge.providers.llm.script_file import load_script
from ari_bridge.providers.llm.script_talk import Answer, answer, unheard

_SCRIPT = load_script(EXAMPLE)
_TOOLS = {"transfer", "hangup"}


class _Talk:
    """A conversation in which every agent turn is heard whole, unless told otherwise."""

    def __init__(self) -> None:
        self.history: list[Message] = []

    def say(self, text: str, *, heard_words: int | None = None) -> Answer:
        self.history.append(Message(Role.CALLER, text))
        said = answer(_SCRIPT, self.history, _TOOLS)
        heard = said.text if heard_words is None else " ".join(said.text.split()[:heard_words])
        self.history.append(
            Message(Role.AGENT, heard, interrupted=heard_words is not None, tool_calls=said.tool_calls)
        )
        return said


def test_a_question_is_answered_and_a_slot_is_filled_in() -> None:
    talk = _Talk()
    assert "nine in the morning" in talk.say("What are your opening hours?").text
    assert talk.say("Are you open on Tuesday").text == "Yes, on tuesday we are open from nine to five."


def test_before_the_caller_speaks_and_after_the_agent_has_there_is_nothing_to_say() -> None:
    assert answer(_SCRIPT, [], _TOOLS) == Answer("")
    greeted = [Message(Role.SYSTEM, "be kind"), Message(Role.AGENT, "Good day.")]
    assert answer(_SCRIPT, greeted, _TOOLS) == Answer("")


def test_misses_vary_then_a_human_is_offered_and_yes_accepts() -> None:
    talk = _Talk()
    first, second, third = talk.say(""), talk.say("mumble"), talk.say("")
    assert first.text != second.text
    assert "connect you to a person" in third.text
    accepted = talk.say("yes please")
    assert [(call.name, call.arguments) for call in accepted.tool_calls] == [
        ("transfer", {"destination": "human"})
    ]


def test_yes_without_an_offer_transfers_nobody() -> None:
    assert _Talk().say("yes").tool_calls == ()


def test_an_answer_in_between_ends_a_row_of_misses() -> None:
    talk = _Talk()
    first = talk.say("")
    talk.say("")
    talk.say("who are you")
    assert talk.say("").text == first.text


def test_a_digit_is_understood_and_an_unknown_one_is_a_miss() -> None:
    assert "order status" in _Talk().say("[digit 1]").text
    assert _Talk().say("[digit 9]").text == _SCRIPT.missed[0]
    assert _Talk().say("one").text == _SCRIPT.missed[0]


def test_an_interrupted_answer_goes_on_from_the_sentence_that_was_cut() -> None:
    talk = _Talk()
    whole = talk.say("tell me about the company", heard_words=22).text
    talk.say("wait a moment")
    talk.say("")
    resumed = talk.say("please continue").text
    assert resumed.startswith(_SCRIPT.resume_with)
    assert whole.endswith(resumed.removeprefix(_SCRIPT.resume_with).strip())
    assert "founded" not in resumed
    assert _SCRIPT.resume_with not in talk.say("continue").text


def test_a_tool_that_is_not_offered_is_not_called() -> None:
    said = answer(_SCRIPT, [Message(Role.CALLER, "operator")], {"hangup"})
    assert said == Answer(_SCRIPT.unavailable)


def test_a_turn_asked_for_twice_is_the_same_with_the_same_call_ids() -> None:
    history = [Message(Role.CALLER, "can i speak to a human")]
    assert answer(_SCRIPT, history, _TOOLS) == answer(_SCRIPT, history, _TOOLS)


def test_call_ids_differ_between_turns() -> None:
    talk = _Talk()
    ids = [call.call_id for said in ("operator", "operator") for call in talk.say(said).tool_calls]
    assert len(set(ids)) == 2


def test_after_a_tool_s_result_the_script_says_what_it_has_for_it() -> None:
    script = _SCRIPT.model_validate(
        {
            "rules": [
                {
                    "name": "weather",
                    "patterns": ["how is the weather in {city: rome | oslo}"],
                    "tools": [{"name": "weather", "arguments": {"city": "{city}", "days": 1}}],
                    "then": "In {city} it is {result}.",
                }
            ]
        }
    )
    history = [Message(Role.CALLER, "how is the weather in oslo")]
    asked = answer(script, history, {"weather"})
    (call,) = asked.tool_calls
    assert call.arguments == {"city": "oslo", "days": 1}
    history += [
        Message(Role.AGENT, "", tool_calls=asked.tool_calls),
        Message(Role.TOOL, "cold", tool_call_id=call.call_id),
    ]
    assert answer(script, history, {"weather"}) == Answer("In oslo it is cold.")


def test_the_longest_pattern_wins() -> None:
    assert "connecting" in _Talk().say("no I want to speak to a human").text


def test_what_was_not_heard_starts_with_the_sentence_that_was_cut() -> None:
    full = "One two. Three four five. Six."
    assert unheard(full, "") == full
    assert unheard(full, "One two.") == "Three four five. Six."
    assert unheard(full, "One two. Three") == "Three four five. Six."
    assert unheard(full, full) == ""
    assert unheard(full, "Something else") == ""
