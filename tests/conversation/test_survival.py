"""What a conversation does about holds, and about processes that die: it writes itself down, and goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ari_bridge.core.messages import UNKNOWN_RESULT, Message, Role, Standing, ToolCall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.pbx.call import CallerBack, CallerHeld
from ari_bridge.scenario.virtual_time import run
from ari_bridge.settings import AgentSettings
from ari_bridge.store.journal import NoJournal, Past, ToolRecord
from ari_bridge.store.record import TurnRecord
from tests.conversation.fakes import Answer, Says, Scene

LONG = "We were founded long ago. " + "We have grown ever since and we are proud of it. " * 2


def test_while_the_caller_holds_the_agent_is_silent_and_deaf_and_then_goes_on() -> None:
    scene = run(
        Scene(
            [Says(2.0, "tell me"), Says(6.0, "music", 4.0), Says(19.0, "thanks")],
            lambda history: [LONG] if history[-1].text == "tell me" else ["Welcome."],
            events=[(5.0, CallerHeld(5.0)), (11.0, CallerBack(11.0))],
            hangs_up_at_s=24.0,
        ).play()
    )
    assert scene.sent_between(4.0, 5.0) > 45
    assert scene.sent_between(5.1, 11.0) == 0
    assert scene.sent_between(11.0, 12.0) > 45
    assert scene.told(LiveKind.CALLER_SAID) == ["tell me", "thanks"]
    (told,) = [turn for turn in scene.conversation.line.turns if turn.text.startswith("We were")]
    assert (told.heard, told.interrupted) == (told.text, False), "nothing was lost by the hold"


class Notes(NoJournal):
    """A journal that keeps what is written, and in which order."""

    def __init__(self) -> None:
        self.turns: list[TurnRecord] = []
        self.order: list[str] = []

    def turns_from(self, number: int, turns: Sequence[TurnRecord]) -> None:
        self.turns[number:] = turns

    async def tool_called(
        self, call: ToolCall, after_turn: int, *, most_today: int | None = None
    ) -> int | None:
        self.order.append(f"{call.name} after {after_turn}")
        return 0

    def tool_answered(self, number: int, result: str, standing: Standing) -> None:
        self.order.append(result)


def test_the_journal_is_the_record_at_every_moment() -> None:
    """A turn that was taken back, because the caller had only taken a breath, is taken back there too."""
    journal = Notes()

    def answer(history: Sequence[Message]) -> Answer:
        if history[-1].role is Role.TOOL:
            return ["It is on its way."]
        return [3.0, ToolCall("t1", "look_up", {"order": "7"})]

    scene = run(Scene([Says(2.0, "where is"), Says(4.2, "my order")], answer, journal=journal).play())
    assert journal.turns == scene.conversation.line.turns
    assert [turn.text for turn in journal.turns if turn.who == "caller"] == ["where is my order"]
    assert journal.order == ["look_up after 2", "order 7 is on its way"]


def test_a_call_is_taken_over_with_all_that_was_said_and_done() -> None:
    past = Past(
        datetime.now(UTC),
        [
            TurnRecord("agent", "Hello there.", 0.0, 700.0, "Hello there."),
            TurnRecord("caller", "pay my bill", 1000.0, 2000.0),
            TurnRecord("agent", "Your bill of ten pounds is being paid.", 2500.0, 3000.0, "Your bill", True),
        ],
        [ToolRecord(ToolCall("t1", "pay", {"amount": 10}), None, 2)],
    )
    agent = AgentSettings(greeting="Hello there.", resumption="I lost you.")
    scene = run(Scene([Says(3.0, "so")], agent=agent, past=past).play())
    assert scene.tts.spoken[0][1] == "I lost you."
    assert [(m.role, m.text) for m in scene.llm.asked[0]] == [
        (Role.AGENT, "Hello there."),
        (Role.CALLER, "pay my bill"),
        (Role.AGENT, ""),
        (Role.TOOL, UNKNOWN_RESULT),
        (Role.AGENT, "Your bill"),
        (Role.AGENT, "I lost you."),
        (Role.CALLER, "so"),
    ]
    assert [turn.text for turn in scene.conversation.line.turns][:4] == [
        *(turn.text for turn in past.turns),
        "I lost you.",
    ]
