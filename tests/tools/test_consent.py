"""The caller's yes: to the question that was asked, heard, and answered."""

from __future__ import annotations

import pytest

from ari_bridge.core.messages import Message, Role
from ari_bridge.tools.consent import Consent, Keys, Reply, question, understand

KEYS = Keys()
QUESTION = "Shall I pay 500 euros to Bob?"


@pytest.mark.parametrize(
    ("said", "language", "reply"),
    [
        ("Yes.", "en", Reply.YES),
        ("yes please, go ahead", "en", Reply.YES),
        ("That's right", "en", Reply.YES),
        ("Yes, but make it 400", "en", Reply.NEITHER),
        ("yes no wait", "en", Reply.NO),
        ("I don't think so", "en", Reply.NO),
        ("what was the amount", "en", Reply.NEITHER),
        ("it is fine I do", "en", Reply.NEITHER),
        ("", "en", Reply.NEITHER),
        ("[digit 1]", "en", Reply.YES),
        ("[digit 2]", "en", Reply.NO),
        ("yes [digit 7]", "en", Reply.NEITHER),
        ("Ja, bitte.", "de-DE", Reply.YES),
        ("nein danke", "de", Reply.NO),
        ("yes", "xx", Reply.YES),
    ],
)
def test_a_yes_has_no_if(said: str, language: str, reply: Reply) -> None:
    assert understand(said, language, KEYS) is reply


def exchange(heard: str, said: str, *, interrupted: bool = False) -> list[Message]:
    return [
        Message(Role.CALLER, "pay Bob 500 euros"),
        Message(Role.AGENT, heard, interrupted),
        Message(Role.CALLER, said),
    ]


def obstacle(heard: str, said: str) -> str:
    consent = Consent("en", KEYS)
    consent.asked(exchange(heard, said))
    return consent.obstacle("pay", QUESTION)


def test_a_yes_to_the_very_question_opens_the_way() -> None:
    assert obstacle(f"One moment. {QUESTION.lower()}", "yes") == ""


@pytest.mark.parametrize(
    "heard", ["Shall I tell you a joke?", "Shall I pay 500 euros to", "Shall I pay 50 euros to Bob?"]
)
def test_a_yes_to_anything_else_does_not(heard: str) -> None:
    assert QUESTION in obstacle(heard, "yes"), "the model is told what to ask"


def test_a_no_and_a_maybe_are_told() -> None:
    assert obstacle(QUESTION, "no") == "Not done: the caller did not agree."
    assert "neither yes nor no" in obstacle(QUESTION, "how much was that again")


def test_a_yes_is_good_once() -> None:
    consent = Consent("en", KEYS)
    consent.asked(exchange(QUESTION, "yes"))
    assert consent.obstacle("pay", QUESTION) == ""
    assert consent.obstacle("pay", QUESTION) != ""


def test_before_anything_was_said_there_is_no_yes() -> None:
    assert Consent("en", KEYS).obstacle("pay", QUESTION) != ""


def test_the_question_is_made_of_the_arguments_or_of_the_settings() -> None:
    arguments = {"amount": 500, "to": "Bob"}
    assert question("Pay {amount} to {to}?", "pay", arguments) == "Pay 500 to Bob?"
    assert question("", "pay_bill", arguments) == "Shall I do this: pay bill, amount 500, to Bob?"
    assert question("", "hangup", {}) == "Shall I do this: hangup?"
