"""Names, routes and formats: small decisions, each of which a caller would notice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.pbx.formats import choose, first_format
from ari_bridge.pbx.names import Names, new_call_id
from ari_bridge.pbx.routing import UnknownAgent, choose_agent, parse_args
from ari_bridge.settings import AgentSettings, Settings


def settings(**routes: str) -> Settings:
    return Settings(agents={"demo": AgentSettings(), "sales": AgentSettings()}, routes=routes)


@pytest.mark.parametrize(
    ("args", "variables", "did", "agent"),
    [
        ({"agent": "demo"}, {"AI_AGENT": "sales"}, "100", "demo"),
        ({}, {"AI_AGENT": "demo"}, "100", "demo"),
        ({"agent": ""}, {}, "100", "sales"),
        ({}, {}, "other", "demo"),
    ],
)
def test_who_answers(args: dict[str, str], variables: dict[str, str], did: str, agent: str) -> None:
    routes = settings(**{"100": "sales", "default": "demo"})
    assert choose_agent(routes, args, variables, did) == agent


@pytest.mark.parametrize(
    ("args", "variables", "words"),
    [
        (
            {"agent": "nobody"},
            {},
            r"Stasis\(\) argument agent: there is no agent 'nobody' \(agents: demo, sales\)",
        ),
        ({}, {"AI_AGENT": "x"}, "channel variable AI_AGENT: there is no agent 'x'"),
        ({}, {}, "no route for DID '100'"),
    ],
)
def test_nobody_answers_and_the_log_says_why(
    args: dict[str, str], variables: dict[str, str], words: str
) -> None:
    with pytest.raises(UnknownAgent, match=words):
        choose_agent(settings(), args, variables, "100")


def test_arguments_of_stasis() -> None:
    assert parse_args(["agent=sales", " did = 100", "lang", "", "note=a=b"]) == {
        "agent": "sales",
        "did": "100",
        "lang": "",
        "note": "a=b",
    }


@given(st.lists(st.text()))
def test_no_argument_is_an_error(args: list[str]) -> None:
    parse_args(args)


@pytest.mark.parametrize(
    ("capability", "format"),
    [
        ("(ulaw)", "ulaw"),
        ("(alaw|ulaw|g722)", "alaw"),
        ("(g722|ulaw)", "g722"),
        ("(opus)", "slin16"),
        ("(slin48)", "slin16"),
        ("(speex16)", "slin16"),
        ("(gsm)", "ulaw"),
        ("(slin)", "ulaw"),
        ("(speex)", "ulaw"),
        ("", "ulaw"),
        ("(nothing)", "ulaw"),
    ],
)
def test_narrowband_stays_and_wideband_is_kept(capability: str, format: str) -> None:
    assert choose("auto", capability, wideband_possible=True) == format
    assert choose("alaw", capability, wideband_possible=True) == "alaw", "a fixed format is fixed"
    if format == "slin16":
        assert choose("auto", capability, wideband_possible=False) == "ulaw"


def test_first_format_reads_what_asterisk_writes() -> None:
    assert (first_format("(g722|ulaw)"), first_format("ulaw"), first_format("()")) == ("g722", "ulaw", "")


def test_names_are_told_apart_between_applications() -> None:
    ours, theirs = Names("voice"), Names("voice-b")
    call_id = new_call_id()
    made = [make(call_id, life) for make in (ours.leg, ours.bridge) for life in (1, 2, 13)]
    assert len(set(made)) == 6, "no id is used in two lives"
    made.append(ours.part(call_id, "party1"))
    assert {ours.owner(name) for name in made} == {call_id}
    assert {theirs.owner(name) for name in made} == {None}
    assert ours.owner(theirs.leg(call_id)) is None
    assert ours.owner("1795231539.14") is None
    assert ours.owner(ours.outbound(call_id)) is None
    assert ours.call_of_outbound(ours.outbound(call_id)) == call_id


def test_a_dot_in_an_application_is_a_dot() -> None:
    assert Names("a.b").owner(Names("axb").leg(new_call_id())) is None


def test_call_ids_do_not_repeat() -> None:
    assert len({new_call_id() for _ in range(1000)}) == 1000
