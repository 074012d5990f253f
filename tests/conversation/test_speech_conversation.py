"""Whole calls with an engine that hears and speaks itself, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from ari_bridge.actions.base import ActionContext
from ari_bridge.actions.registry import actions
from ari_bridge.core.errors import ProviderError
from ari_bridge.core.messages import Role, Standing, ToolCall
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.pbx.call import CallerBack, CallerHeld, Outcome, Status
from ari_bridge.providers.speech import base as b
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import (
    AgentSettings,
    DestinationSettings,
    DigitSettings,
    PatienceSettings,
    TurnSettings,
)
from ari_bridge.store.journal import NoJournal, Past, ToolRecord
from ari_bridge.store.record import TurnRecord
from tests.conversation.fakes import RATE_HZ, Says, digit
from tests.conversation.speech_scene import Answer, SpeechScene

APOLOGY = Sayings().apology
GONE = Outcome(Status.HANGUP, "CALLER")
LONG = "We were founded long ago." + " We have grown ever since and we are proud of it." * 6
LOOK = ToolCall("t1", "look_up", {"order": "7"})
BOT = b.Abilities(can_be_asked=False, tells_of_caller=False, decides_interruptions=True)


def play(scene: SpeechScene) -> SpeechScene:
    return run(scene.play())


def tells(**answers: Answer) -> Callable[[str], Answer]:
    """`tell_me=…` answers "tell me"; everything else is repeated."""
    return lambda said: answers.get(said.replace(" ", "_").rstrip("."), [f"You said {said}."])


def deaf(scene: SpeechScene) -> None:
    """The server's voice detection misses everything."""
    scene.engine.is_deaf = True


def agent_turns(scene: SpeechScene) -> list[TurnRecord]:
    return [turn for turn in scene.conversation.line.turns if turn.who == "agent"]


def test_a_call_from_greeting_to_hang_up() -> None:
    scene = play(SpeechScene([Says(2.0, "hello"), Says(6.0, "and thanks")]))
    assert scene.outcome == GONE
    assert scene.turns == [
        ("agent", "Hello there."),
        ("caller", "hello"),
        ("agent", "You said hello."),
        ("caller", "and thanks"),
        ("agent", "You said and thanks."),
    ]
    assert all(turn.heard == turn.text and not turn.interrupted for turn in agent_turns(scene))
    assert scene.conversation.line.turns[1].start_ms == pytest.approx(2000, abs=25)
    assert scene.conversation.line.turns[1].end_ms == pytest.approx(3000, abs=25)
    assert scene.told(LiveKind.CALLER_SAID) == ["hello", "and thanks"]
    assert scene.told(LiveKind.AGENT_SAYS)[:2] == ["Hello there.", "You said hello."]
    assert scene.of(b.Cut) == []


def test_the_engine_gets_the_call_as_it_is() -> None:
    scene = play(SpeechScene([Says(2.0, "hello")]))
    (session,) = scene.engine.sessions
    assert (session.opening.rate_hz, session.opening.prompt) == (RATE_HZ, "Be kind.")
    assert {tool.name for tool in session.opening.tools} == {"transfer", "look_up"}
    assert len(session.heard_at) / 50 == pytest.approx(20.0, abs=0.2), "all of the caller's audio, in time"


def test_latencies_have_the_names_that_a_cascades_have() -> None:
    scene = play(SpeechScene([Says(2.0, "hello")]))
    latency = agent_turns(scene)[1].latency_ms
    assert latency["end_of_turn"] == pytest.approx(500, abs=45)
    assert latency["first_audio"] - latency["end_of_turn"] == pytest.approx(200, abs=5), "it thinks so long"
    assert latency["first_packet"] - latency["first_audio"] <= 45
    assert {"end_of_utterance_delay", "ttft", "e2e"} <= agent_turns(scene)[1].metrics_ms.keys()
    assert scene.told(LiveKind.ANSWER_TIMED) != []


# ------------------------------------------------------------------ interruptions


def test_the_engine_is_told_the_sample_up_to_which_it_was_heard() -> None:
    scene = play(SpeechScene([Says(2.0, "tell me"), Says(6.0, "stop")], tells(tell_me=[LONG])))
    (cut,) = scene.of(b.Cut)
    greeting_end = 2 * round(0.3 * RATE_HZ)
    _, position, _ = scene.port.flushed[0]
    assert cut == b.Cut("item 0.2", position - greeting_end)
    assert scene.sent_between(6.1, 7.0) == 0, "silent at once, and for as long as the caller speaks"
    story = agent_turns(scene)[1]
    assert story.interrupted
    heard = story.heard or ""
    assert story.text.startswith(heard)
    assert len(heard.split()) == pytest.approx(cut.heard_samples / RATE_HZ / 0.3, abs=2.5)
    assert scene.turns[-2:] == [("caller", "stop"), ("agent", "You said stop.")]


def test_what_was_queued_after_it_was_not_heard_at_all() -> None:
    story = "one two three four five six seven eight nine ten " * 2
    scene = play(SpeechScene([Says(2.0, "tell me"), Says(6.0, "stop")], tells(tell_me=[story, "And more."])))
    first, second = (cut for cut in scene.of(b.Cut) if isinstance(cut, b.Cut))
    assert first.heard_samples > 0
    assert (second.item, second.heard_samples) == ("item 0.3", 0)


def test_a_cough_pauses_the_agent_and_nothing_is_lost() -> None:
    story = tells(tell_me=[LONG])
    scene = play(SpeechScene([Says(2.0, "tell me"), Says(6.0, "", 0.12)], story, hangs_up_at_s=40.0))
    assert scene.of(b.Cut) == []
    assert scene.port.flushes == []
    pauses = [after - before for (before, _), (after, _) in pairwise(scene.port.sent_at) if before > 4.0]
    assert 0.2 < max(pauses) < 0.7, "it paused"
    assert agent_turns(scene)[1].heard == LONG
    assert len(scene.told(LiveKind.AGENT_PAUSED)) == len(scene.told(LiveKind.AGENT_RESUMED)) == 1


def test_a_voice_that_lasts_interrupts_though_the_engine_does_not_hear_it() -> None:
    scene = play(SpeechScene([Says(2.0, "stop", 2.0)], asked=lambda _: [LONG], prepare=deaf))
    (cut,) = scene.of(b.Cut)
    assert isinstance(cut, b.Cut)
    assert cut.heard_samples / RATE_HZ == pytest.approx(1.8, abs=0.15)
    assert scene.sent_between(2.15, 4.0) == 0


def test_a_bot_that_decides_itself_is_only_paused() -> None:
    def prepare(scene: SpeechScene) -> None:
        deaf(scene)
        scene.asked = lambda _: [LONG]

    scene = play(
        SpeechScene(
            [Says(3.0, "stop", 2.0)],
            prepare=prepare,
            abilities=b.Abilities(decides_interruptions=True),
            hangs_up_at_s=30.0,
        )
    )
    assert scene.of(b.Cut) == []
    assert scene.sent_between(3.1, 3.8) == 0
    assert scene.sent_between(4.2, 5.0) > 35, "it goes on, since nobody told it to stop"


def test_an_agent_that_cannot_be_interrupted_hears_nobody_meanwhile() -> None:
    agent = AgentSettings(greeting="Hello there.", turns=TurnSettings(barge_in=False))
    scene = play(SpeechScene([Says(2.0, "tell me"), Says(6.0, "stop")], tells(tell_me=[LONG]), agent=agent))
    assert scene.of(b.Cut) == []
    (session,) = scene.engine.sessions
    loud = [at_s - scene.port.start_s for at_s, level in session.heard_at if level > -40]
    assert max(loud) < 4.0


def test_an_answer_nobody_heard_never_was() -> None:
    """The caller goes on before the first sound of it: one turn, and one answer."""
    scene = play(SpeechScene([Says(2.0, "I would like"), Says(3.55, "to order")]))
    assert [who for who, _ in scene.turns] == ["agent", "caller", "agent"]
    assert scene.turns[1] == ("caller", "I would like to order")


# ------------------------------------------------------------------ bots: clear, mark, ended


def test_marks_are_answered_when_heard_and_a_clear_drops_and_answers_them() -> None:
    passed: list[tuple[str, float]] = []

    def prepare(scene: SpeechScene) -> None:
        engine, put = scene.engine, lambda event: scene.engine.sessions[0].put(event)
        scene.asked = lambda _: ["one two three four", b.Mark("a"), LONG, b.Mark("b")]
        loop = asyncio.get_running_loop()
        loop.call_later(5.0, lambda: put(b.Clear()))
        send = engine.hook

        def note(signal: b.Signal) -> None:
            send(signal)
            if isinstance(signal, b.MarkHeard):
                passed.append((signal.name, loop.time() - scene.port.start_s))

        engine.hook = note

    scene = play(SpeechScene(prepare=prepare, hangs_up_at_s=8.0))
    begin_s = scene.port.sent_at[0][0]
    assert [name for name, _ in passed] == ["a", "b"]
    assert passed[0][1] == pytest.approx(begin_s + 1.2, abs=0.05)
    assert passed[1][1] == pytest.approx(5.0, abs=0.05)
    assert scene.sent_between(5.05, 8.0) == 0


def test_a_bot_with_one_name_for_all_it_says_is_heard_after_it_was_interrupted() -> None:
    """Twilio's streams name nothing and tell no ends: media, media, clear, media, …"""

    def says(seconds: float) -> list[b.SpeechEvent]:
        return [b.AgentAudio("stream", FakeAudio.second()) for _ in range(round(seconds))]

    def prepare(scene: SpeechScene) -> None:
        deaf(scene)
        loop = asyncio.get_running_loop()
        for at_s, events in (
            (0.5, says(2)),
            (6.0, says(5)),
            (8.5, [b.Clear()]),
            (9.5, says(1)),
            (14.0, [b.Ended()]),
        ):
            for event in events:
                loop.call_later(at_s, lambda event=event: scene.engine.sessions[0].put(event))

    agent = AgentSettings(greeting="", turns=TurnSettings(digit_pause_ms=500))
    abilities = replace(BOT, tells_ends=False)

    async def main() -> SpeechScene:
        return await SpeechScene(
            [Says(4.0, "", 1.0), Says(8.0, "", 1.0)],
            prepare=prepare,
            abilities=abilities,
            agent=agent,
            events=[digit(7.0, "5")],
        ).play()

    scene = run(main())
    assert scene.outcome == Outcome(Status.COMPLETED)
    heard = [
        (round(turn.start_ms / 1000, 1), round(turn.end_ms / 1000, 1), turn.interrupted)
        for turn in agent_turns(scene)
    ]
    assert heard == [
        (0.5, pytest.approx(2.5, abs=0.1), False),
        (6.0, pytest.approx(8.1, abs=0.15), True),
        (9.5, pytest.approx(10.5, abs=0.1), False),
    ]
    assert scene.sent_between(6.0, 8.0) == pytest.approx(100, abs=3), "a key stops nobody but who wants to be"
    assert scene.sent_between(9.5, 10.6) == pytest.approx(50, abs=2)
    assert scene.ended_s == pytest.approx(14.1, abs=0.1)


def test_the_engine_may_end_the_call_once_it_was_heard() -> None:
    scene = play(SpeechScene([Says(2.0, "bye")], tells(bye=["Goodbye and thanks for your call.", b.Ended()])))
    assert scene.outcome == Outcome(Status.COMPLETED)
    assert scene.turns[-1] == ("agent", "Goodbye and thanks for your call.")
    assert agent_turns(scene)[-1].heard == agent_turns(scene)[-1].text
    assert scene.sent_between(2.0, 20.0) == pytest.approx(6 * 15, abs=2)


def test_a_bots_caller_is_known_by_our_own_ears() -> None:
    scene = play(SpeechScene([Says(2.0, "hello")], prepare=deaf, abilities=BOT))
    assert scene.of(b.Ask) == [], "it cannot be asked"
    (turn,) = scene.conversation.line.turns
    assert (turn.who, turn.text) == ("caller", "")
    assert turn.start_ms == pytest.approx(2000, abs=25)


def in_one_item(scene: SpeechScene) -> None:
    """As a bot of Twilio's speaks: audio without words and without an end. 1.2 s of it, from 1 s on, and the
    same after each key."""
    loop = asyncio.get_running_loop()
    put = scene.engine.hook

    def speak() -> None:
        scene.engine.sessions[0].put(b.AgentAudio("stream-0", np.ones(round(1.2 * RATE_HZ), np.int16)))

    def hook(signal: b.Signal) -> None:
        put(signal)
        if isinstance(signal, b.CallerDigit):
            loop.call_later(0.1, speak)

    scene.engine.is_deaf, scene.engine.hook = True, hook
    loop.call_later(1.0, speak)


@pytest.mark.parametrize("pressed_s", [1.5, 3.0, 9.0])
def test_a_key_drops_nothing_of_a_bot_that_decides_itself(pressed_s: float) -> None:
    """While it speaks, soon after that, and long after."""

    async def main() -> SpeechScene:
        return await SpeechScene(
            answer=lambda _: [],
            events=[digit(pressed_s, "1")],
            prepare=in_one_item,
            abilities=replace(BOT, tells_ends=False),
            hangs_up_at_s=15.0,
        ).play()

    scene = run(main())
    assert scene.sent_between(0.0, 15.0) == 2 * 60, "all of its audio was heard"
    assert scene.told(LiveKind.AGENT_INTERRUPTED) == []
    if pressed_s > 2.2:
        assert scene.turns == [("agent", ""), ("caller", "[digit 1]"), ("agent", "")]
        assert agent_turns(scene)[1].latency_ms["first_packet"] == pytest.approx(100, abs=50)


@pytest.mark.parametrize("cleared_s", [1.5, 3.0])
def test_a_bots_words_are_cut_by_a_clear_only_if_there_were_any_left(cleared_s: float) -> None:
    def prepare(scene: SpeechScene) -> None:
        in_one_item(scene)
        loop = asyncio.get_running_loop()
        loop.call_later(cleared_s, lambda: scene.engine.sessions[0].put(b.Clear()))

    scene = play(SpeechScene(prepare=prepare, abilities=replace(BOT, tells_ends=False), hangs_up_at_s=5.0))
    (turn,) = agent_turns(scene)
    assert turn.interrupted == (cleared_s < 2.2)


def test_a_bot_that_clears_nothing_has_its_turns_by_our_ears() -> None:
    def prepare(scene: SpeechScene) -> None:
        in_one_item(scene)
        hook = scene.engine.hook
        asyncio.get_running_loop().call_later(3.5, lambda: hook(b.CallerDigit("")))

    scene = play(
        SpeechScene(
            [Says(2.4, "hello", 0.8)],
            prepare=prepare,
            abilities=replace(BOT, tells_ends=False),
            hangs_up_at_s=9.0,
        )
    )
    assert [who for who, _ in scene.turns] == ["agent", "caller", "agent"]
    assert not any(turn.interrupted for turn in agent_turns(scene))
    assert scene.sent_between(0.0, 9.0) == 2 * 60


def test_a_bot_that_ends_the_call_is_heard_out_and_nothing_is_waited_for() -> None:
    def prepare(scene: SpeechScene) -> None:
        in_one_item(scene)
        loop = asyncio.get_running_loop()
        loop.call_later(1.1, lambda: scene.engine.sessions[0].put(b.Ended()))

    scene = play(SpeechScene(prepare=prepare, abilities=replace(BOT, tells_ends=False)))
    assert scene.outcome == Outcome(Status.COMPLETED)
    assert scene.ended_s == pytest.approx(2.2, abs=0.2)
    assert scene.sent_between(0.0, scene.ended_s) == 60


def test_a_bots_last_words_that_were_heard_are_no_interruption() -> None:
    scene = play(
        SpeechScene(prepare=in_one_item, abilities=replace(BOT, tells_ends=False), hangs_up_at_s=3.0)
    )
    (turn,) = agent_turns(scene)
    assert not turn.interrupted


# ------------------------------------------------------------------ tools


def uses(call: ToolCall, *words: str) -> Callable[[str], Answer]:
    def answer(said: str) -> Answer:
        if said.startswith("result"):
            return [said]
        return [*words, call] if said == "please" else [f"You said {said}."]

    return answer


def test_a_tool_runs_and_the_engine_says_what_came_of_it() -> None:
    scene = play(SpeechScene([Says(2.0, "please")], uses(LOOK, "One moment.")))
    (result,) = scene.of(b.ToolResult)
    assert result == b.ToolResult("t1", "order 7 is on its way")
    assert scene.turns[-1] == ("agent", "One moment. result order 7 is on its way")
    assert scene.told(LiveKind.TOOL) == ["look_up: order 7 is on its way"]


def test_a_tool_waits_for_the_callers_words_but_not_for_ever() -> None:
    def late(scene: SpeechScene) -> None:
        scene.engine.text_delay_s = 1.0

    def never(scene: SpeechScene) -> None:
        scene.engine.text_delay_s = 100.0

    for prepare, expected_s in ((late, 4.5), (never, 3.7 + 1.5)):
        scene = play(SpeechScene([Says(2.0, "please")], uses(LOOK), prepare=prepare))
        ran_s = next(event.at_s for event in scene.live if event.kind is LiveKind.TOOL) - scene.port.start_s
        assert ran_s == pytest.approx(expected_s, abs=0.1)


def test_a_transfer_waits_for_the_agents_words() -> None:
    call = ToolCall("t1", "transfer", {})
    scene = play(SpeechScene([Says(2.0, "please")], uses(call, "I am connecting you with a colleague.")))
    assert scene.outcome == Outcome(Status.TRANSFER, "HUMAN", "humans")
    assert agent_turns(scene)[-1].heard == "I am connecting you with a colleague."
    (result,) = scene.of(b.ToolResult)
    assert isinstance(result, b.ToolResult)
    assert not result.answer_wanted, "it has said its last words"
    assert scene.ended_s == pytest.approx(3.7 + 7 * 0.3, abs=0.4)


def test_a_transfer_without_a_word_lets_the_engine_speak_first() -> None:
    scene = play(SpeechScene([Says(2.0, "please")], uses(ToolCall("t1", "transfer", {}))))
    assert scene.outcome.status is Status.TRANSFER
    assert scene.turns[-1] == ("agent", "result transferring")


def test_the_callers_voice_does_not_stop_the_last_words() -> None:
    call = ToolCall("t1", "transfer", {})
    words = "I am connecting you with a colleague who knows all about bicycles."
    scene = play(SpeechScene([Says(2.0, "please"), Says(5.0, "wait", 2.0)], uses(call, words)))
    assert scene.outcome.status is Status.TRANSFER
    assert agent_turns(scene)[-1].heard == words
    (session,) = scene.engine.sessions
    assert all(level < -40 for at_s, level in session.heard_at if at_s - scene.port.start_s > 5.0)


def test_a_result_that_is_not_wanted_any_more_is_not_sent() -> None:
    scene = play(SpeechScene([Says(2.0, "please")], lambda said: [LOOK, b.ToolCancelled("t1")]))
    assert scene.of(b.ToolResult) == []
    assert scene.told(LiveKind.TOOL) == ["look_up: order 7 is on its way"], "what was done stays done"


def test_a_slow_tool_is_filled_in_for() -> None:
    async def slow(arguments: object, desk: object) -> object:
        await asyncio.sleep(5.0)
        return await look_up.run(arguments, desk)  # type: ignore[arg-type]

    from tests.conversation.fakes import LOOK_UP as look_up

    patience = PatienceSettings(filler_after_s=2.0, fillers=("One moment please.",), check_ins=())
    scene = play(
        SpeechScene(
            [Says(2.0, "please")],
            uses(LOOK),
            actions=(replace(look_up, run=slow),),  # type: ignore[arg-type]
            patience=patience,
        )
    )
    assert "One moment please." in scene.told(LiveKind.AGENT_SAYS)
    assert scene.turns[-1] == ("agent", "result order 7 is on its way"), "a filler is no part of the answer"


# ------------------------------------------------------------------ the line: keys, hold, time


def test_keys_are_an_entry_that_the_engine_answers() -> None:
    agent = AgentSettings(greeting="Hello there.", turns=TurnSettings(digit_pause_ms=1000))
    scene = run(_with_keys(agent))
    assert scene.of(b.CallerDigit) == [b.CallerDigit("4"), b.CallerDigit("2")]
    assert scene.of(b.CallerEntry) == [b.CallerEntry("42")]
    assert scene.turns[-2:] == [("caller", "[digits 42]"), ("agent", "You said keys 42.")]


async def _with_keys(agent: AgentSettings) -> SpeechScene:
    keys = [digit(3.0, "4"), digit(3.4, "2")]
    return await SpeechScene(agent=agent, events=keys, hangs_up_at_s=10.0).play()


def test_masked_keys_are_nowhere_and_the_engine_does_not_listen_meanwhile() -> None:
    call = ToolCall("t1", "collect_digits", {"digits": "card"})
    context = ActionContext({}, {"card": DigitSettings(min=2, max=8, variable="CARD")})

    async def main() -> SpeechScene:
        return await SpeechScene(
            [Says(2.0, "please"), Says(6.0, "tones", 1.0)],
            uses(call, "Your card please."),
            events=[digit(5.6 + 0.3 * n, key) for n, key in enumerate("4711#")],
            actions=list(actions().values()),
            context=context,
        ).play()

    scene = run(main())
    assert scene.call.control.variables == {"CARD": "4711"}
    assert scene.of(b.CallerDigit) == scene.of(b.CallerEntry) == []
    everything = repr((scene.engine.signals, scene.live, scene.conversation.line.turns))
    assert "4711" not in everything
    (session,) = scene.engine.sessions
    while_typing = [level for at_s, level in session.heard_at if 5.7 < at_s - scene.port.start_s < 6.7]
    assert max(while_typing) == -120.0, "a phone may send audible tones"


def test_on_hold_nobody_is_listened_to_and_the_agent_goes_on_after_it() -> None:
    async def main() -> SpeechScene:
        return await SpeechScene(
            [Says(2.0, "tell me"), Says(6.0, "music", 4.0)],
            tells(tell_me=[LONG]),
            events=[(5.0, CallerHeld(5.0)), (11.0, CallerBack(11.0))],
            hangs_up_at_s=40.0,
        ).play()

    scene = run(main())
    assert scene.sent_between(4.0, 5.0) > 45
    assert scene.sent_between(5.1, 11.0) == 0
    assert agent_turns(scene)[1].heard == LONG, "nothing was lost by the hold"
    (session,) = scene.engine.sessions
    on_hold = [level for at_s, level in session.heard_at if 5.1 < at_s - scene.port.start_s < 10.9]
    assert len(on_hold) == pytest.approx(5.8 * 50, abs=3), "the engine's clock goes on"
    assert max(on_hold) == -120.0


def test_a_call_that_takes_too_long_ends_with_a_goodbye() -> None:
    agent = AgentSettings(greeting="Hello there.", goodbye="Our time is up. Goodbye.")
    scene = play(SpeechScene([Says(2.0, "tell me")], tells(tell_me=[LONG]), agent=agent, max_duration_s=6.0))
    assert scene.outcome == Outcome(Status.TIMEOUT, "MAX_DURATION")
    assert agent_turns(scene)[-1].heard == "Our time is up. Goodbye."
    assert agent_turns(scene)[-2].interrupted


def test_a_silent_caller_is_asked_after_and_left_at_last() -> None:
    patience = PatienceSettings(no_input_s=3.0, check_ins=("Are you there?",), farewell="Goodbye then.")
    scene = play(SpeechScene(patience=patience, hangs_up_at_s=60.0))
    assert scene.outcome == Outcome(Status.TIMEOUT, "NO_INPUT")
    assert [text for _, text in scene.turns] == ["Hello there.", "Are you there?", "Goodbye then."]


def test_an_engine_that_does_not_say_its_last_words_ends_the_call_all_the_same() -> None:
    scene = play(
        SpeechScene(
            asked=lambda words: [] if "Goodbye" in words else ["Hi."],
            max_duration_s=6.0,
            agent=AgentSettings(goodbye="Goodbye.", greeting="Hello."),
        )
    )
    assert scene.outcome == Outcome(Status.TIMEOUT, "MAX_DURATION")
    assert scene.ended_s < 12.0


# ------------------------------------------------------------------ failures


def fails_at(
    at_s: float, *failures: ProviderError | None, again_s: float = 8.0
) -> Callable[[SpeechScene], None]:
    """The session breaks then, and each that follows `again_s` later."""

    def prepare(scene: SpeechScene) -> None:
        for number, failure in enumerate(failures):
            asyncio.get_running_loop().call_later(
                at_s + number * again_s, lambda failure=failure: scene.engine.sessions[-1].put(failure)
            )

    return prepare


BROKE = ProviderError("it broke", retryable=True)


@pytest.mark.parametrize("failure", [BROKE, None])
def test_a_lost_engine_is_reached_again_with_the_history_as_it_was_heard(
    failure: ProviderError | None,
) -> None:
    scene = play(
        SpeechScene(
            [Says(2.0, "hello"), Says(12.0, "what was that")],
            prepare=fails_at(8.0, failure),
            hangs_up_at_s=18.0,
        )
    )
    assert scene.outcome == GONE
    _, second = scene.engine.sessions
    assert [(message.role, message.text) for message in second.opening.history] == [
        (Role.AGENT, "Hello there."),
        (Role.CALLER, "hello"),
        (Role.AGENT, "You said hello."),
    ]
    assert second.signals == [], "nobody noticed: nothing is said about it"
    assert scene.turns[-1] == ("agent", "You said what was that.")


def test_words_that_broke_off_are_apologised_for() -> None:
    agent = AgentSettings(greeting="Hello there.", resumption="I lost you. Please go on.")
    scene = play(
        SpeechScene(
            [Says(2.0, "tell me")],
            tells(tell_me=[LONG]),
            agent=agent,
            prepare=fails_at(5.0, BROKE),
            hangs_up_at_s=40.0,
        )
    )
    _, second = scene.engine.sessions
    assert [type(signal) for signal in second.signals] == [b.Ask]
    assert (agent_turns(scene)[-1].heard or "").endswith("I lost you. Please go on.")


def test_a_greeting_that_was_lost_is_asked_for_again() -> None:
    def prepare(scene: SpeechScene) -> None:
        scene.engine.refuses = [BROKE]

    scene = play(SpeechScene(prepare=prepare))
    assert scene.turns == [("agent", "Hello there.")]


@pytest.mark.parametrize("has_own_voice", [False, True])
def test_an_engine_that_is_lost_for_good_leaves_the_call_to_the_dialplan(has_own_voice: bool) -> None:
    scene = play(
        SpeechScene(
            [Says(2.0, "hello")],
            prepare=fails_at(6.0, BROKE, BROKE, again_s=2.0),
            has_own_voice=has_own_voice,
        )
    )
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_SPEECH")
    assert (scene.turns[-1] == ("agent", Sayings().apology)) is has_own_voice
    assert scene.ended_s < 13.0


def test_what_cannot_be_mended_is_not_tried_again() -> None:
    scene = play(SpeechScene(prepare=fails_at(3.0, ProviderError("no such model", retryable=False))))
    assert scene.outcome == Outcome(Status.FAILED, "PROVIDER_SPEECH")
    assert len(scene.engine.sessions) == 1


def test_an_engine_that_does_not_begin_to_speak_is_replaced() -> None:
    asked: list[str] = []

    def once_mute(instruction: str) -> Answer:
        asked.append(instruction)
        return [] if len(asked) == 1 else ["Hello there."]

    scene = play(SpeechScene(asked=once_mute))
    assert len(scene.engine.sessions) == 2
    assert scene.turns == [("agent", "Hello there.")]


def test_an_item_without_an_end_does_not_keep_the_call() -> None:
    """Its audio stops coming, and no word says that it is over."""
    patience = PatienceSettings(no_input_s=3.0, check_ins=("Still there?",), farewell="Goodbye then.")
    endless = [b.AgentText("x", "One moment"), b.AgentAudio("x", FakeAudio.second())]
    asked = [endless]
    scene = play(
        SpeechScene(
            asked=lambda words: asked.pop() if asked else [words.partition(": ")[2]],
            patience=patience,
            hangs_up_at_s=60.0,
        )
    )
    assert scene.outcome == Outcome(Status.TIMEOUT, "NO_INPUT")
    assert scene.turns[0] == ("agent", "One moment")


class FakeAudio:
    @staticmethod
    def second() -> b.Pcm16:
        return np.ones(RATE_HZ, np.int16)


# ------------------------------------------------------------------ taking over, and writing down


def test_a_call_that_is_taken_over_begins_with_its_history() -> None:
    turns = [
        TurnRecord("agent", "Hello there.", 0.0, 600.0, heard="Hello there."),
        TurnRecord("caller", "where is my order", 2000.0, 3000.0),
    ]
    tools = [ToolRecord(LOOK, "on its way", 2, 1, Standing.DONE)]
    past = Past(datetime.now(UTC), turns, tools)
    agent = AgentSettings(greeting="Hello there.", resumption="I lost you for a moment.")
    scene = play(SpeechScene([Says(3.0, "well")], past=past, agent=agent))
    (session,) = scene.engine.sessions
    assert [message.text for message in session.opening.history] == [
        "Hello there.",
        "where is my order",
        "",
        "on its way",
    ]
    assert [text for _, text in scene.turns] == [
        "Hello there.",
        "where is my order",
        "I lost you for a moment.",
        "well",
        "You said well.",
    ]


def test_the_agents_words_may_come_after_they_were_heard() -> None:
    """Gemini's transcription of its own audio keeps no order with it."""

    def prepare(scene: SpeechScene) -> None:
        late = b.AgentText("item 0.1", "Welcome to you.")
        asyncio.get_running_loop().call_later(4.0, lambda: scene.engine.sessions[0].put(late))

    patience = PatienceSettings(no_input_s=6.0, check_ins=("Still there?",), farewell="Goodbye then.")
    scene = play(SpeechScene(prepare=prepare, patience=patience, hangs_up_at_s=9.0))
    assert scene.turns == [("agent", "Hello there. Welcome to you."), ("agent", "Still there?")]


def test_words_without_any_audio_keep_nobody_waiting() -> None:
    patience = PatienceSettings(no_input_s=3.0, check_ins=("Still there?",), farewell="Goodbye then.")
    asked: list[Answer] = [[b.AgentText("x", "Hello")]]
    scene = play(
        SpeechScene(
            asked=lambda words: asked.pop() if asked else [words.partition(": ")[2]],
            patience=patience,
            hangs_up_at_s=30.0,
        )
    )
    assert scene.outcome == Outcome(Status.TIMEOUT, "NO_INPUT")


class Notes(NoJournal):
    def __init__(self) -> None:
        self.turns: list[TurnRecord] = []

    def turns_from(self, number: int, turns: Sequence[TurnRecord]) -> None:
        self.turns[number:] = turns


def test_words_that_come_late_change_what_was_written() -> None:
    def late(scene: SpeechScene) -> None:
        scene.engine.text_delay_s = 4.0

    journal = Notes()
    scene = play(SpeechScene([Says(2.0, "hello")], journal=journal, prepare=late))
    assert scene.turns[1] == ("caller", "hello")
    assert journal.turns == scene.conversation.line.turns


def test_a_call_that_is_cancelled_leaves_nothing() -> None:
    async def main() -> None:
        for after_s in (0.05, 0.3, 2.5, 4.0, 6.0):
            scene = SpeechScene([Says(2.0, "tell me"), Says(5.0, "stop")], tells(tell_me=[LONG]))
            task = asyncio.create_task(scene.play())
            await asyncio.sleep(after_s)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert scene.engine.open == 0

    run(main())


def test_the_pace_is_the_engines() -> None:
    call = ToolCall("t1", "speaking_pace", {"pace": "slow"})
    context = ActionContext({"x": DestinationSettings(context="humans")})
    agent = AgentSettings(greeting="Hello there.", actions=tuple(actions()))
    verbs = list(actions().values())
    scene = play(SpeechScene([Says(2.0, "please")], uses(call), agent=agent, actions=verbs, context=context))
    assert [type(pace) for pace in scene.of(b.Pace)] == [b.Pace], scene.told(LiveKind.TOOL)
