"""Whatever callers, engines and clocks do, in whatever order: the rules of a dialogue hold."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ari_bridge.core.messages import Role, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import AgentSaid
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.turn_end import TRANSCRIPT_WAIT_S
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import TurnSettings
from tests.dialogue.bench import Bench

WORDS = st.sampled_from(["yes", "", "tell me more", "[x]"])
TEXTS = st.sampled_from(["Sure. ", "We are open. And we", " stay so, ", "all day long. ", "... ", "", "Well"])


class AnyDialogue(RuleBasedStateMachine):
    @initialize(
        greeting=st.sampled_from(["", "Hello and welcome. How are you?"]),
        barge_in=st.booleans(),
        max_duration_s=st.sampled_from([1.0, 5.0, 3600.0]),
    )
    def start(self, greeting: str, barge_in: bool, max_duration_s: float) -> None:
        self.bench = Bench(
            TurnSettings(barge_in=barge_in),
            speaks_by_itself=False,
            max_duration_s=max_duration_s,
            goodbye="Time is up. Goodbye.",
        )
        self.voice = False
        self.calls = 0
        self.outstanding: list[ToolCall] = []
        self.ended_rounds: set[int] = set()
        self.bench.greet(greeting)

    def collect(self) -> None:
        self.outstanding += self.bench.tools
        self.bench.tools.clear()

    # ------------------------------------------------------------------ what may happen

    @rule(steps=st.integers(1, 40))
    def time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.bench.step()
            if self.voice:
                self.bench.feed(s.VoiceHeld(self.bench.now))

    @precondition(lambda self: not self.voice)
    @rule()
    def voice_begins(self) -> None:
        self.voice = True
        self.bench.feed(s.VoiceOn(self.bench.now - 0.06))
        self.bench.feed(s.VoiceHeld(self.bench.now))

    @precondition(lambda self: self.voice)
    @rule()
    def voice_ends(self) -> None:
        self.voice = False
        self.bench.feed(s.VoiceOff(self.bench.now - 0.16))

    @rule(digit=st.sampled_from("1#"))
    def digit(self, digit: str) -> None:
        self.bench.feed(s.DigitPressed(digit, self.bench.now))

    @precondition(lambda self: self.bench.closed)
    @rule(text=WORDS)
    def transcript(self, text: str) -> None:
        self.bench.feed(s.Transcribed(self.bench.closed.pop(0), text))

    @precondition(lambda self: self.bench.opened)
    @rule(text=WORDS, is_sure=st.booleans())
    def partial_transcript(self, text: str, is_sure: bool) -> None:
        self.bench.feed(s.PartlyTranscribed(self.bench.opened[-1].utterance, text, is_sure))

    @property
    def live_round(self) -> int | None:
        if not self.bench.rounds:
            return None
        number = self.bench.rounds[-1].round
        return None if number in self.ended_rounds or number in self.bench.cancelled else number

    @precondition(lambda self: self.live_round is not None)
    @rule(text=TEXTS)
    def model_writes(self, text: str) -> None:
        assert self.live_round is not None
        self.bench.feed(s.ReplyText(self.live_round, text))

    @precondition(lambda self: self.live_round is not None)
    @rule()
    def model_calls(self) -> None:
        assert self.live_round is not None
        self.calls += 1
        self.bench.feed(s.ReplyToolCall(self.live_round, ToolCall(f"c{self.calls}", "t", {})))

    @precondition(lambda self: self.live_round is not None)
    @rule()
    def model_ends(self) -> None:
        assert self.live_round is not None
        number = self.live_round
        self.ended_rounds.add(number)
        self.bench.feed(s.ReplyEnded(number))

    @precondition(lambda self: self.live_round is not None)
    @rule(fails=st.sampled_from([False] * 9 + [True]))
    def model_fails(self, fails: bool) -> None:
        assert self.live_round is not None
        if fails:
            number = self.live_round
            self.ended_rounds.add(number)
            self.bench.feed(s.ReplyFailed(number))

    @precondition(lambda self: self.outstanding)
    @rule(decides=st.sampled_from([False, False, False, True]))
    def tool_returns(self, decides: bool) -> None:
        self.bench.feed(s.ToolReturned(self.outstanding.pop(0), "done", decides_outcome=decides))

    @precondition(lambda self: self.bench.to_speak)
    @rule()
    def sentence_is_spoken(self) -> None:
        self.bench.speak_one()

    @precondition(lambda self: self.bench.flushes_due)
    @rule()
    def flush_is_done(self) -> None:
        self.bench.settle()

    @rule(engine=st.sampled_from([None] * 9 + [s.Engine.LLM]))
    def engine_fails(self, engine: s.Engine | None) -> None:
        if engine is not None:
            self.bench.feed(s.EngineFailed(engine))

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def nothing_leaves_while_the_caller_has_the_floor(self) -> None:
        if self.bench.state in (State.CALLER_SPEAKING, State.CALLER_PAUSED) and not self.bench.flushes_due:
            answer_tail_only = self.bench.session.finished and not self.bench.session.finished[-1].interrupted
            assert self.bench.paused or self.bench.heard == self.bench.queued or answer_tail_only

    @invariant()
    def the_port_is_paused_exactly_while_a_voice_is_weighed(self) -> None:
        if not self.bench.flushes_due:
            assert self.bench.paused is (self.bench.state in (State.HELD, State.PAUSED))

    @invariant()
    def each_tool_runs_once(self) -> None:
        self.collect()
        called = [c.call_id for e in self.entries(AgentSaid) for c in e.tool_calls]
        assert len(called) == len(set(called))
        results = [m.tool_call_id for m in self.bench.session.history.messages() if m.role is Role.TOOL]
        assert sorted(results) == sorted(called)

    @invariant()
    def history_holds_no_word_that_was_flushed(self) -> None:
        for entry in self.entries(AgentSaid):
            if entry.heard is not None:
                assert entry.text.startswith(entry.heard)
                told = self.bench.told_of(LiveKind.AGENT_SAYS)
                for sentence in entry.sentences:
                    if sentence.text in entry.heard and entry.heard.count(sentence.text) == 1:
                        assert sentence.text in told or sentence.start is not None

    @invariant()
    def a_round_is_asked_for_only_when_the_turn_before_is_settled(self) -> None:
        for asked in self.bench.rounds:
            assert asked.messages
            assert asked.messages[-1].role in (Role.CALLER, Role.TOOL)

    @invariant()
    def only_one_round_is_open(self) -> None:
        open_rounds = [
            r.round
            for r in self.bench.rounds
            if r.round not in self.ended_rounds and r.round not in self.bench.cancelled
        ]
        assert len(open_rounds) <= 1

    def entries(self, kind: type[AgentSaid]) -> list[AgentSaid]:
        return [e for e in self.bench.session.history.entries if isinstance(e, kind)]

    def teardown(self) -> None:
        """From wherever we are: when everybody finishes, the dialogue comes to rest."""
        if not hasattr(self, "bench"):
            return
        if self.voice:
            self.voice_ends()
        self.bench.speaks_by_itself = True
        for _ in range(200):
            self.collect()
            self.bench.wait(0.2)
            while self.bench.closed:
                self.bench.understood("so")
            if self.live_round is not None:
                self.model_ends()
            while self.outstanding:
                self.bench.feed(s.ToolReturned(self.outstanding.pop(0), "done", decides_outcome=False))
                self.collect()
        self.bench.wait(TRANSCRIPT_WAIT_S)
        assert self.bench.state in (State.LISTENING, State.ENDED)
        assert (self.bench.left is not None) is (self.bench.state is State.ENDED)
        assert self.bench.heard == self.bench.queued
        spans = [(turn.start_s, turn.end_s) for turn in self.bench.session.finished]
        assert all(start <= end + 1e-6 for start, end in spans)


AnyDialogue.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestAnyDialogue = AnyDialogue.TestCase
