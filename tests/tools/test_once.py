"""Which calls repeat an earlier one, told from what the caller heard."""

from __future__ import annotations

from ari_bridge.core.messages import Message, Role, Standing, ToolCall
from ari_bridge.tools.once import Entry, Once

BOOK = ToolCall("t1", "book", {"people": 2, "day": "friday"})


def caller(text: str) -> Message:
    return Message(Role.CALLER, text)


def agent(text: str, *calls: ToolCall, interrupted: bool = False) -> Message:
    return Message(Role.AGENT, text, interrupted, calls)


def result(text: str, call_id: str = "t1") -> Message:
    return Message(Role.TOOL, text, tool_call_id=call_id)


def ran(once: Once, call: ToolCall = BOOK) -> Entry:
    entry = once.begin(call.name, call.arguments, call.call_id)
    entry.number, entry.standing, entry.result = 0, Standing.DONE, "Booked."
    return entry


ASKED = [agent("Hello."), caller("a table for two")]
TOLD = [*ASKED, agent("", BOOK), result("Booked.")]


def again(once: Once) -> Entry | None:
    reordered = {"day": "friday", "people": 2}
    return once.repeated("book", reordered, reordered)


def test_what_runs_and_what_has_run_is_repeated_by_equal_arguments_only() -> None:
    once = Once()
    once.asked(ASKED)
    entry = once.begin("book", BOOK.arguments, "t1")
    assert again(once) is entry, "it still runs"
    entry.standing = Standing.DONE
    assert again(once) is entry
    assert once.repeated("book", {"people": 3, "day": "friday"}, {}) is None
    assert once.repeated("cancel", BOOK.arguments, BOOK.arguments) is None


def test_what_surely_did_not_happen_may_be_tried_again() -> None:
    once = Once()
    once.begin("book", BOOK.arguments, "t1").standing = Standing.NOT_DONE
    assert again(once) is None
    assert once.count("book") == 0


def test_an_answer_heard_to_its_end_settles_what_it_was_made_with() -> None:
    once = Once()
    once.asked(ASKED)
    ran(once)
    assert once.asked(TOLD) == []
    assert once.asked([*TOLD, agent("Booked."), caller("and another one")]) == [0]
    assert again(once) is None, "the caller wants a second one"


def test_a_second_round_of_the_same_answer_settles_nothing() -> None:
    once = Once()
    once.asked(ASKED)
    ran(once)
    once.asked(TOLD)
    assert once.asked([*TOLD, agent("", ToolCall("t2", "look", {})), result("x", "t2")]) == []
    assert again(once) is not None


def test_an_interrupted_answer_settles_nothing_until_one_is_heard() -> None:
    once = Once()
    once.asked(ASKED)
    ran(once)
    once.asked(TOLD)
    interrupted = [*TOLD, agent("Boo", interrupted=True), caller("what")]
    assert once.asked(interrupted) == []
    assert again(once) is not None
    assert once.asked([*interrupted, agent("Booked."), caller("fine, another")]) == [0]


def test_an_answer_made_without_the_result_settles_nothing() -> None:
    """The tool was slow, the caller moved on, and was answered; only then the result came."""
    once = Once()
    once.asked(ASKED)
    entry = once.begin("book", BOOK.arguments, "t1")
    moved_on = [*ASKED, agent("", BOOK), result("(still running)"), caller("hurry"), agent("I do.")]
    once.asked(moved_on[:-1])
    entry.number, entry.standing = 0, Standing.DONE
    now_known = [*ASKED, agent("", BOOK), result("Booked."), caller("hurry"), agent("I do."), caller("well")]
    assert once.asked(now_known) == []
    assert once.asked(now_known) == [], "asked twice for one turn: the first was a guess that was dropped"
    assert once.asked([*now_known, agent("Booked."), caller("another")]) == [0]


def test_the_words_with_which_a_call_is_taken_up_settle_nothing() -> None:
    recovered = Entry(3, "book", '{"day":"friday","people":2}', Standing.UNKNOWN, "", "t1", recovered=True)
    once = Once([recovered])
    resumed = [*ASKED, agent("", BOOK), result("unknown"), agent("I lost you."), caller("so book it")]
    assert once.asked(resumed) == []
    assert again(once) is recovered
    assert once.asked([*resumed, agent("", BOOK), result("unknown")]) == []
    assert again(once) is recovered
    heard = [*resumed, agent("I cannot say."), caller("then do it again")]
    assert once.asked(heard) == [3]


def test_secrets_are_not_needed_to_recognise_a_call_after_a_crash() -> None:
    kept = {"people": 2, "pin": "(secret)"}
    once = Once(
        [Entry(0, "pay", '{"people":2,"pin":"(secret)"}', Standing.DONE, "Paid.", "t1", recovered=True)]
    )
    assert once.repeated("pay", {"people": 2, "pin": "4711"}, kept) is not None
    own = Once()
    own.begin("pay", {"people": 2, "pin": "4711"}, "t2")
    assert own.repeated("pay", {"people": 2, "pin": "1147"}, kept) is None, "within a process they count"
