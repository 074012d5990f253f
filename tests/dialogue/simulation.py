"""Whole calls of a dialogue session in which everybody misbehaves at random, on a clock that jumps.

Callers interrupt, cough, agree, press keys and fall silent; models are slow, fail, call tools; tools are
slow; recognisers are late or never answer; voices are late. What must hold is checked as it happens.

    python -m tests.dialogue.simulation 10000        # so many of the caller's turns
"""

from __future__ import annotations

import heapq
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from ari_bridge.core.messages import Role, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import WordSpan
from ari_bridge.dialogue.languages.sayings import Sayings
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.log import Who
from ari_bridge.dialogue.session import Session
from ari_bridge.dialogue.turns import State
from ari_bridge.settings import PatienceSettings, TurnSettings

RATE_HZ = 8000
WORD_S = 0.3
STUCK_S = 90.0
"""Nobody is kept waiting for longer than this without anything to hear. The time in which the caller has the
floor does not count: while they speak, and the longest silence after it in which they may go on."""
FLOOR_S = TurnSettings().longest_ms / 1000
SAYINGS = ("stop", "uh-huh", "", "yes", "what does it cost", "I would like", "my number is", "okay right")
REPLIES = (
    "Sure.",
    "We are open from nine to five. Shall I book it? It is the last one.",
    "One moment, please.",
)
NOTICE = "This call is recorded."


class Simulation:
    """One call. `turns` counts what the caller said and the agent was asked to answer."""

    def __init__(self, seed: int, *, lasts_s: float = 120.0) -> None:
        self.random = random.Random(seed)
        chance = self.random.random
        settings = TurnSettings(
            barge_in=chance() < 0.9,
            eager=chance() < 0.8,
            barge_in_min_words=self.random.choice((1, 1, 2)),
            digit_pause_ms=self.random.choice((0, 800)),
            protected=(NOTICE,),
        )
        patience = PatienceSettings(filler_after_s=1.0, filler_every_s=2.0, no_input_s=8.0)
        self.session = Session(
            settings,
            rate_hz=RATE_HZ,
            max_duration_s=lasts_s,
            says=Sayings(goodbye="Goodbye now."),
            patience=patience,
        )
        self.now = 100.0
        self.left: s.Leave | None = None
        self.turns = 0
        self.effects: Counter[str] = Counter()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._inbox: list[s.Event] = []
        self._handling = False
        # the port
        self.queued = 0
        self._base, self._base_s = 0, self.now
        self._paused = False
        self._marks: set[int] = set()
        # the speaker
        self._to_speak: list[s.Speak] = []
        self._speaking = False
        self._generation = 0
        self._flushes = 0
        self._silenced_since: set[int] = set()
        # the model
        self._rounds: dict[int, int] = {}
        self._voice_on = False
        self._last_life_s = self._voice_ended_s = self.now

    # ------------------------------------------------------------------ time

    def at(self, delay_s: float, work: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.now + delay_s, self._count, work))

    def run(self) -> Simulation:
        greeting = self.random.choice(("Hello there, how can I help you?", f"{NOTICE} Hello.", ""))
        self._carry_out(self.session.greet(greeting, self.now))
        self._handle_all()
        self.at(self.random.uniform(0.2, 3.0), self._caller_acts)
        while self.session.state is not State.ENDED:
            self._step()
        assert self.left is not None
        self._check_the_end()
        return self

    def _step(self) -> None:
        timer = self.session.next_timer()
        mark_s = math.inf
        if not self._paused and self._marks:
            mark_s = self._base_s + (min(self._marks) - self._base) / RATE_HZ
        heap_s = self._due[0][0] if self._due else math.inf
        next_s = max(self.now, min(heap_s, mark_s, math.inf if timer is None else timer))
        assert next_s < math.inf, f"nothing will ever happen again in {self.session.state}"
        self.now = next_s
        if heap_s <= next_s:
            heapq.heappop(self._due)[2]()
        elif mark_s <= next_s:
            heard = max(self.heard, min(self._marks))
            self._marks = {mark for mark in self._marks if mark > heard}
            self.feed(s.Played(heard))
        else:
            self.feed(s.TimerDue())
            again = self.session.next_timer()
            assert again is None or again > self.now or again != timer, f"a timer that never ends: {again}"

    # ------------------------------------------------------------------ the port

    @property
    def heard(self) -> int:
        if self._paused:
            return self._base
        return min(self.queued, self._base + round((self.now - self._base_s) * RATE_HZ))

    def _rebase(self, *, paused: bool) -> None:
        self._base, self._base_s, self._paused = self.heard, self.now, paused

    # ------------------------------------------------------------------ the shell

    def feed(self, event: s.Event) -> None:
        self._inbox.append(event)
        if not self._handling:
            self._handle_all()

    def _handle_all(self) -> None:
        self._handling = True
        while self._inbox:
            self._carry_out(self.session.handle(self._inbox.pop(0), self.now))
        self._handling = False
        self._check()

    def _carry_out(self, commands: list[s.Command]) -> None:
        for command in commands:
            match command:
                case s.OpenUtterance(number):
                    self._recognise_partly(number)
                case s.CloseUtterance(number):
                    self._recognise(number)
                case s.StartReply(number, messages):
                    assert messages[-1].role in (Role.CALLER, Role.TOOL)
                    self._rounds[number] = 1
                    self._think(number)
                case s.CancelReply(number):
                    self._rounds.pop(number, None)
                case s.RunTool(call):
                    self._run_tool(call)
                case s.Speak():
                    self._to_speak.append(command)
                    self._speak_next()
                case s.Pause():
                    self._rebase(paused=True)
                    self._inbox.append(s.Played(self.heard))
                case s.Resume():
                    self._rebase(paused=False)
                case s.Flush():
                    self._flush()
                case s.WatchHeard(position):
                    self._marks.add(position)
                case s.Tell(kind, _):
                    self.turns += kind is LiveKind.CALLER_SAID
                    if kind in (LiveKind.AGENT_SAYS, LiveKind.CALLER_SAID):
                        self._last_life_s = self.now
                case s.Leave():
                    assert self.left is None, "left twice"
                    self.left = command

    def _flush(self) -> None:
        self._silenced_since |= {sentence.sentence for sentence in self._to_speak}
        self._to_speak.clear()
        self._generation += 1
        self._flushes += 1
        self._speaking = False

        def done() -> None:
            position = self.heard
            self._base, self._base_s, self._paused = self.queued, self.now, False
            self._marks.clear()
            self._flushes -= 1
            self.feed(s.Flushed(position))
            self._speak_next()

        self.at(self.random.choice((0.0025, 0.02)), done)

    def _speak_next(self) -> None:
        if self._speaking or self._flushes or not self._to_speak:
            return
        sentence, generation = self._to_speak.pop(0), self._generation
        self._speaking = True

        def spoken() -> None:
            if generation != self._generation:
                return
            assert sentence.sentence not in self._silenced_since, "speaks after a flush"
            spans, at = [], 0
            for index, word in enumerate(sentence.text.split()):
                at = sentence.text.index(word, at) + len(word)
                spans.append(WordSpan(at, round(WORD_S * RATE_HZ * (index + 1))))
            self._rebase(paused=self._paused)
            start, count = self.queued, round(WORD_S * RATE_HZ * len(spans))
            self.queued += count
            self.feed(s.SpeechQueued(sentence.sentence, start, count, tuple(spans)))
            self.feed(s.SpeechEnded(sentence.sentence))
            self._speaking = False
            self._speak_next()

        self.at(self.random.choice((0.0, 0.05, 0.05, 0.3, 3.0)), spoken)

    # ------------------------------------------------------------------ engines that misbehave

    def _recognise_partly(self, number: int) -> None:
        if self.random.random() < 0.6:
            text = self.random.choice(SAYINGS)
            is_sure = self.random.random() < 0.7
            self.at(
                self.random.uniform(0.1, 1.0), lambda: self.feed(s.PartlyTranscribed(number, text, is_sure))
            )

    def _recognise(self, number: int) -> None:
        if self.random.random() < 0.02:
            return  # and never answers
        text = self.random.choice(SAYINGS)
        delay_s = self.random.choice((0.0, 0.05, 0.05, 0.2, 0.8, 3.0))
        self.at(delay_s, lambda: self.feed(s.Transcribed(number, text)))

    def _think(self, number: int) -> None:
        """The next thing that the model does."""
        chance = self.random.random()

        def step() -> None:
            if number not in self._rounds:
                return
            if chance < 0.004:
                del self._rounds[number]
                self.feed(s.ReplyFailed(number))
            elif chance < 0.4:
                del self._rounds[number]
                self.feed(s.ReplyEnded(number))
            elif chance < 0.55:
                self._count += 1
                self.feed(s.ReplyToolCall(number, ToolCall(f"c{self._count}", "book", {})))
            elif chance < 0.57:
                self.feed(s.ReplyText(number, f"{NOTICE} "))
            else:
                self.feed(s.ReplyText(number, self.random.choice(REPLIES) + " "))
            if number in self._rounds:
                self._think(number)

        self.at(self.random.choice((0.0, 0.0, 0.1, 0.4, 3.0)), step)

    def _run_tool(self, call: ToolCall) -> None:
        self.effects[call.call_id] += 1
        assert self.effects[call.call_id] == 1, "a tool ran twice"
        decides = self.random.random() < 0.01
        delay_s = self.random.choice((0.0, 0.1, 1.0, 6.0))
        self.at(delay_s, lambda: self.feed(s.ToolReturned(call, "done", decides)))

    # ------------------------------------------------------------------ a caller who misbehaves

    def _caller_acts(self) -> None:
        if self.random.random() < 0.1:
            self.feed(s.DigitPressed(self.random.choice("123#"), self.now))
            self.at(self.random.choice((0.1, 0.5, 3.0)), self._caller_acts)
            return
        self._last_life_s += min(self.now - self._voice_ended_s, FLOOR_S)
        self._voice_on = True
        lasts_s = self.random.choice((0.1, 0.2, 0.4, 0.7, 1.2, 2.5))
        started = self.now
        self.feed(s.VoiceOn(started - 0.06))

        def held() -> None:
            self.feed(s.VoiceHeld(self.now))
            if self.now - started < lasts_s:
                self.at(0.1, held)
            else:
                ended = self.now
                self.at(0.16, lambda: ends(ended))

        def ends(ended: float) -> None:
            self._voice_on = False
            self._last_life_s += self.now - started
            self._voice_ended_s = self.now
            self.feed(s.VoiceOff(ended))
            pause_s = self.random.choice((0.1, 0.3, 0.8, 2.0, 2.0, 4.0, 4.0, 30.0))
            self.at(pause_s, self._caller_acts)

        held()

    # ------------------------------------------------------------------ what must hold

    def _check(self) -> None:
        state = self.session.state
        if not self._flushes:
            assert self._paused is (state in (State.HELD, State.PAUSED)), f"paused: {self._paused} in {state}"
        if state in (State.CALLER_SPEAKING, State.CALLER_PAUSED) and not self._flushes:
            finished = self.session.finished
            tail_only = bool(finished) and finished[-1].who is Who.AGENT and not finished[-1].interrupted
            assert self.heard == self.queued or tail_only, "the agent talks over the caller"
        if state is not State.ENDED and not self._voice_on and self.heard == self.queued:
            assert self.now - self._last_life_s < STUCK_S, f"stuck in {state}"

    def _check_the_end(self) -> None:
        messages = self.session.history.messages()
        called = [call.call_id for message in messages for call in message.tool_calls]
        assert sorted(called) == sorted(self.effects), "every effect stands in the history, once"
        for turn in self.session.finished:
            assert turn.start_s <= turn.end_s + 1e-6
            if turn.who is Who.AGENT and turn.heard is not None:
                assert turn.interrupted or turn.heard == turn.text
                assert all(filler not in turn.text for filler in ("I am still looking", "I am nearly there"))


def simulate(turns: int, *, seed: int = 0) -> Counter[str]:
    """Calls until the callers have said so many turns. Returns counts of what happened."""
    counts: Counter[str] = Counter()
    while counts["turns"] < turns:
        call = Simulation(seed + counts["calls"])
        try:
            call.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed + counts['calls']}: {error}") from error
        counts["calls"] += 1
        counts["turns"] += call.turns
        counts["effects"] += len(call.effects)
        counts["interruptions"] += sum(turn.interrupted for turn in call.session.finished)
    return counts


if __name__ == "__main__":
    began = time.perf_counter()
    print(dict(simulate(int(sys.argv[1]))), f"{time.perf_counter() - began:.1f} s")
