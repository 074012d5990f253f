from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.dialogue.history import History, Sentence, WordSpan

RATE_HZ = 8000


def sentence(text: str, start: int = 0, *, timed: bool = True) -> Sentence:
    """Each word takes 1000 samples, then comes a pause of 500."""
    found = Sentence(1, text)
    words = text.split()
    spans, at = [], 0
    for index, word in enumerate(words):
        at = text.index(word, at) + len(word)
        spans.append(WordSpan(at, 1000 * (index + 1)))
    found.queue(start, 1000 * len(words) + 500, spans if timed else [])
    found.complete = True
    return found


@pytest.mark.parametrize(
    ("position", "heard"),
    [(0, ""), (999, ""), (1000, "We"), (2500, "We are"), (3000, "We are open."), (3500, "We are open.")],
)
def test_a_sentence_is_cut_at_the_last_word_that_sounded_to_its_end(position: int, heard: str) -> None:
    assert sentence("We are open.").heard(position, RATE_HZ) == heard
    assert sentence("We are open.", start=777).heard(position + 777, RATE_HZ) == heard


def test_without_word_times_they_are_estimated() -> None:
    found = sentence("We are open.", timed=False)
    assert found.heard(1700, RATE_HZ) == "We"
    assert found.heard(3500, RATE_HZ) == "We are open."
    # Its audio is still being made: what is there already is not the whole sentence.
    unfinished = Sentence(1, "A long sentence of which little was made so far.")
    unfinished.queue(0, 4000, [])
    assert unfinished.heard(4000, RATE_HZ) == "A long"


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1), st.booleans(), st.integers(0, 30000))
def test_what_was_heard_only_grows(words: list[str], timed: bool, position: int) -> None:
    found = sentence(" ".join(words), timed=timed)
    earlier, later = found.heard(position, RATE_HZ), found.heard(position + 500, RATE_HZ)
    assert later.startswith(earlier)
    assert found.text.startswith(later)


def test_messages_hold_what_was_heard() -> None:
    history = History("Be kind.")
    history.caller_said("hello")
    said = history.agent_says()
    said.sentences += [sentence("We are open."), sentence("Come any day.", start=3500)]
    assert history.messages()[-1] == Message(Role.AGENT, "We are open. Come any day.")
    said.cut(5600, RATE_HZ)
    assert history.messages() == (
        Message(Role.SYSTEM, "Be kind."),
        Message(Role.CALLER, "hello"),
        Message(Role.AGENT, "We are open. Come any", interrupted=True),
    )


def test_a_cut_after_the_last_word_is_no_interruption_unless_more_was_meant() -> None:
    history = History()
    said = history.agent_says()
    said.sentences.append(sentence("We are open."))
    said.cut(3200, RATE_HZ)
    assert history.messages() == (Message(Role.AGENT, "We are open."),)
    said.cut(3200, RATE_HZ, more_meant=True)
    assert history.messages() == (Message(Role.AGENT, "We are open.", interrupted=True),)


def test_a_tool_result_stands_beside_its_call_however_late_it_comes() -> None:
    history, call = History(), ToolCall("c1", "look_up", {})
    said = history.agent_says()
    history.tool_called(said, call)
    history.caller_said("hurry")
    assert history.messages()[1] == Message(Role.TOOL, "(still running)", tool_call_id="c1")
    history.tool_answered("c1", "42")
    assert [message.text for message in history.messages()] == ["", "42", "hurry"]
    assert history.messages()[0].tool_calls == (call,)


def test_the_callers_last_turn_can_be_opened_again() -> None:
    history = History()
    assert history.reopen_caller() is None
    history.caller_said("I would like")
    assert history.reopen_caller() == "I would like"
    assert history.messages() == ()
    history.caller_said("one")
    said = history.agent_says()
    assert history.reopen_caller() is None
    history.drop(said)
    assert history.reopen_caller() == "one"
