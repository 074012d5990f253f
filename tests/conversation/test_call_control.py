"""The dialogue while something is done with the call: who is heard when, and what waits for what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.core.messages import Message, Role, ToolCall
from ari_bridge.pbx.call import Digit, Outcome, PbxEvent, Status
from ari_bridge.pbx.control import Lost
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings, ControlSettings, DestinationSettings, DigitSettings
from tests.conversation.fakes import WORD_S, Answer, FakePerson, Says, Scene

CONTEXT = ActionContext(
    {"sales": DestinationSettings(context="humans", exten="sales", endpoint="PJSIP/6001")},
    {"card": DigitSettings(min=2, max=8, variable="CARD")},
    ControlSettings(hold_limit_s=8, answer_s=5),
)
ASK = Says(2.0, "please", 0.5)
WARM = {"destination": "sales", "briefing": "Ann wants a bicycle."}


def uses(name: str, arguments: dict[str, Any], before: str = "One moment.") -> Callable[..., Answer]:
    """An agent that takes the action once, says what came of it, and answers everything else."""

    def answer(history: Sequence[Message]) -> Answer:
        last = history[-1]
        if last.role is Role.TOOL:
            return [last.text]
        if last.text == "please":
            return [before, ToolCall("t1", name, arguments)]
        return [f"You said {last.text}."]

    return answer


def play(answer: Callable[..., Answer], *timeline: Says, **fields: Any) -> Scene:
    agent = AgentSettings(greeting="Hello there.", actions=tuple(actions()))
    scene = Scene(
        [ASK, *timeline],
        answer,
        agent=agent,
        actions=list(actions().values()),
        context=CONTEXT,
        **fields,
    )
    return run(scene.play())


def pressed(at_s: float, key: str) -> tuple[float, PbxEvent]:
    return at_s, Digit(key, 100, at_s)


def agent_said(scene: Scene) -> str:
    return " ".join(turn.heard or "" for turn in scene.conversation.line.turns if turn.who == "agent")


# ------------------------------------------------------------------ hold


def test_the_words_before_the_hold_are_heard_and_those_after_wait() -> None:
    scene = play(uses("hold", {}), Says(6.0, "is anybody there"), hangs_up_at_s=30)
    (held_s, _), (back_s, _) = scene.call.control.did
    start_s = scene.port.start_s
    assert scene.sent_between(2.5, held_s - start_s) * 0.02 == pytest.approx(2 * WORD_S, abs=0.05)
    assert scene.sent_between(held_s - start_s, back_s - start_s) == 0, "nobody would hear it"
    assert back_s - held_s == pytest.approx(8, abs=0.2), "nobody is forgotten"
    assert "hears music" in agent_said(scene), "what waited is heard then"
    assert ("caller", "is anybody there") not in scene.turns
    assert len(scene.stt.seconds) == 1


@pytest.mark.parametrize("verb", ["hold", "attended_transfer"])
def test_a_pbx_that_does_not_answer_keeps_nobody_on_hold(verb: str) -> None:
    """When the limit is over, or the asked does not come, the PBX is deaf for five seconds more."""
    scene = play(
        uses(verb, WARM if verb != "hold" else {}),
        Says(24.0, "are you back"),
        person=FakePerson(ends=Lost.BUSY),
        hangs_up_at_s=32,
        unhold_works_from_s=18,
    )
    assert scene.call.control.verbs.count("unhold") > 3
    assert ("caller", "are you back") in scene.turns
    assert "You said are you back." in agent_said(scene)


def test_an_interrupted_sentence_does_not_stop_the_hold() -> None:
    long = "One moment, I am looking that up for you in our very big book of all the orders."
    scene = play(uses("hold", {}, long), Says(4.0, "wait", 0.6), hangs_up_at_s=20)
    assert "hold" in scene.call.control.verbs


def test_keys_on_hold_are_not_for_the_agent() -> None:
    scene = play(uses("hold", {}), events=[pressed(6.0, "5")], hangs_up_at_s=10)
    assert all("[digit 5]" not in text for _, text in scene.turns)


# ------------------------------------------------------------------ digits


def test_masked_digits_are_nowhere() -> None:
    keys = [pressed(5.0 + 0.3 * n, key) for n, key in enumerate("4711#")]
    scene = play(uses("collect_digits", {"digits": "card"}, "Your card please."), events=keys)
    assert scene.call.control.variables == {"CARD": "4711"}
    assert scene.conversation.line.digits == []
    assert "4 digits" in agent_said(scene)
    everything = repr((scene.llm.asked, scene.live, scene.conversation.line.turns))
    assert "4711" not in everything
    assert "[digit" not in everything


def test_secret_keys_that_come_too_late_are_secret_still() -> None:
    keys = [pressed(5.0, "4"), pressed(5.3, "7"), pressed(11.0, "1"), pressed(13.0, "8")]
    scene = play(uses("collect_digits", {"digits": "card"}), events=keys, hangs_up_at_s=25)
    assert scene.call.control.variables == {"CARD": "47"}
    assert scene.conversation.line.digits == []
    assert "[digit" not in repr((scene.llm.asked, scene.live, scene.conversation.line.turns))


def test_what_the_caller_said_into_the_hold_is_not_answered_to_somebody_else() -> None:
    """A turn was open when the transfer began: its answer waits for the caller."""
    person = FakePerson(answers_s=1.0, keys=[(8.0, "2")])
    long = "One moment, I am going to ask whether somebody can help you with that."
    scene = play(
        uses("attended_transfer", WARM, long), Says(4.0, "hurry", 0.6), person=person, hangs_up_at_s=40
    )
    spoken = [sentence for _, sentence in scene.tts.spoken]
    briefing = spoken.index("Ann wants a bicycle.")
    assert spoken[briefing + 1].startswith("Press 1")
    assert scene.call.control.verbs[-1] == "unhold"


def test_keys_after_the_input_are_the_agents_again() -> None:
    keys = [pressed(5.0 + 0.3 * n, key) for n, key in enumerate("4711#")]
    scene = play(uses("collect_digits", {"digits": "card"}), events=[*keys, pressed(14.0, "2")])
    assert [key.digit for key in scene.conversation.line.digits] == ["2"]
    assert ("caller", "[digit 2]") in scene.turns


# ------------------------------------------------------------------ somebody else


def test_who_accepts_gets_the_caller() -> None:
    person = FakePerson(keys=[(6.0, "1")])
    scene = play(uses("attended_transfer", WARM), person=person)
    assert scene.outcome.status is Status.TRANSFER
    assert (scene.outcome.context, scene.outcome.exten) == ("ari-bridge-join", "s")
    assert scene.outcome.variables["ARIBRIDGEPEER"] == "PJSIP/6001-0001"
    assert person.did == ["join", "leave", "hand over"]
    assert scene.call.control.verbs == ["hold", "ring PJSIP/6001", "stop music"]
    spoken = [sentence for _, sentence in scene.tts.spoken]
    assert spoken[-2:] == ["Ann wants a bicycle.", "Press 1 to take the call, or 2 to decline."]
    assert "bicycle" not in agent_said(scene)


@pytest.mark.parametrize(
    ("person", "sentence"),
    [
        (FakePerson(ends=Lost.BUSY), "Sales is busy at the moment."),
        (FakePerson(ends=Lost.NO_ANSWER), "Sales does not answer."),
        (FakePerson(keys=[(1.0, "7"), (1.0, "2")]), "Sales cannot take the call at the moment."),
        (FakePerson(keys=[(1.0, "7")], ends=Lost.HUNG_UP), "Sales has hung up."),
        (FakePerson(), "Sales does not answer."),
        (None, "Sales does not answer."),
    ],
    ids=["busy", "no answer", "declines", "hangs up", "no decision", "cannot be rung"],
)
def test_the_agent_is_back_and_says_why(person: FakePerson | None, sentence: str) -> None:
    scene = play(uses("attended_transfer", WARM), Says(26.0, "a pity"), person=person, hangs_up_at_s=40)
    assert sentence in agent_said(scene)
    assert "You said a pity." in agent_said(scene), "and listens again"
    assert scene.call.control.verbs == ["hold", "ring PJSIP/6001", "unhold"]
    if person is not None:
        assert person.did[-1] == "hang up"


def test_the_caller_calls_the_agent_back() -> None:
    person = FakePerson(answers_s=60)
    scene = play(
        uses("attended_transfer", WARM), person=person, events=[pressed(7.0, "5"), pressed(8.0, "*")]
    )
    assert "is back with you" in agent_said(scene)
    assert person.did == ["hang up"]
    assert scene.outcome.status is Status.HANGUP


def test_a_caller_who_hangs_up_meanwhile_leaves_nobody_ringing() -> None:
    person = FakePerson(answers_s=60)
    scene = play(uses("attended_transfer", WARM), person=person, hangs_up_at_s=8)
    assert scene.outcome.status is Status.HANGUP
    assert person.did == ["hang up"]


def test_one_thing_at_a_time_is_done_with_the_caller() -> None:
    def answer(history: Sequence[Message]) -> Answer:
        if history[-1].text == "please":
            return ["Moment.", ToolCall("t1", "attended_transfer", WARM), ToolCall("t2", "hold", {})]
        return [history[-1].text]

    scene = play(answer, person=FakePerson(keys=[(6.0, "1")]))
    assert "hold" in scene.call.control.verbs[:1]
    assert scene.call.control.verbs.count("hold") == 1
    assert scene.outcome.status is Status.TRANSFER


# ------------------------------------------------------------------ from outside


async def _act(scene: Scene, at_s: float, verb: str, arguments: dict[str, Any]) -> str:
    playing = asyncio.ensure_future(scene.play())
    await asyncio.sleep(at_s)
    said = await scene.conversation.line.act(verb, arguments)
    await playing
    return said


def outside(at_s: float, verb: str, arguments: dict[str, Any], **fields: Any) -> tuple[Scene, str]:
    scene = Scene(
        agent=AgentSettings(greeting="Hello there and welcome to us."),
        actions=list(actions().values()),
        context=CONTEXT,
        **fields,
    )
    return scene, run(_act(scene, at_s, verb, arguments))


def test_somebody_else_ends_the_call_after_the_agents_words() -> None:
    scene, said = outside(0.5, "hangup", {})
    assert scene.outcome == Outcome(Status.COMPLETED, "AGENT")
    assert said.startswith("The call ends")
    assert agent_said(scene) == "Hello there and welcome to us."


def test_a_verb_the_agent_may_not_use_is_still_the_supervisors() -> None:
    scene, said = outside(0.5, "supervise", {"destination": "sales"})
    assert said == "sales hears the call now."
    assert scene.call.control.verbs == ["LISTEN PJSIP/6001"]
    assert [spec.name for spec in scene.llm.tools] in ([], ["hangup", "transfer"])


def test_a_call_that_ends_meanwhile_is_told() -> None:
    _, said = outside(2.0, "attended_transfer", WARM, person=FakePerson(answers_s=60), hangs_up_at_s=6)
    assert said == "The call has ended."
