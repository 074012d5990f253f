"""A test bench for a dialogue session: a port, a speaker and a clock of a few lines, all turned by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ari_bridge.core.messages import Message, ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.history import WordSpan
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.session import Session
from ari_bridge.dialogue.turns import State
from ari_bridge.dialogue.wording import wording
from ari_bridge.settings import AgentSettings, PatienceSettings, TurnSettings

RATE_HZ = 8000
FRAME = 160
WORD_SAMPLES = 2400
"""A word takes 300 ms."""
FIXED = TurnSettings(end_of_turn="fixed", end_of_turn_ms=500)
"""The same silence after every turn."""


class Bench:
    def __init__(
        self,
        settings: TurnSettings | None = None,
        *,
        speaks_by_itself: bool = True,
        max_duration_s: float = math.inf,
        goodbye: str = "",
        patience: PatienceSettings | None = None,
        phrases: tuple[str, ...] = (),
    ) -> None:
        self.session = Session(
            settings or FIXED,
            rate_hz=RATE_HZ,
            max_duration_s=max_duration_s,
            says=wording(AgentSettings(goodbye=goodbye, patience=patience or PatienceSettings()), "en"),
            patience=patience,
            phrases=phrases,
        )
        self.speaks_by_itself = speaks_by_itself
        self.now = 100.0
        self.queued = 0
        self.heard = 0
        self.paused = False
        self.to_speak: list[s.Speak] = []
        self.watched: list[int] = []
        self.to_judge: list[s.JudgePause] = []
        self.closed: list[int] = []
        """Utterances that wait for their transcripts."""
        self.rounds: list[s.StartReply] = []
        self.cancelled: list[int] = []
        self.committed: list[tuple[Message, ...]] = []
        self.tools: list[ToolCall] = []
        self.told: list[tuple[LiveKind, str]] = []
        self.timed: list[Mapping[str, float]] = []
        self.opened: list[s.OpenUtterance] = []
        self.flushes_due = 0
        self.left: s.Leave | None = None
        self.audible_at: list[float] = []
        """Times of the frames that left with agent audio."""

    # ------------------------------------------------------------------ what the shell does

    def feed(self, event: s.Event) -> None:
        self.carry_out(self.session.handle(event, self.now))

    def greet(self, text: str) -> None:
        self.carry_out(self.session.greet(text, self.now))
        self.settle()

    def carry_out(self, commands: list[s.Command]) -> None:
        for command in commands:
            match command:
                case s.OpenUtterance():
                    self.opened.append(command)
                case s.CloseUtterance(number):
                    self.closed.append(number)
                case s.StartReply():
                    self.rounds.append(command)
                case s.JudgePause():
                    self.to_judge.append(command)
                case s.CommitReply(messages):
                    self.committed.append(messages)
                case s.CancelReply(number):
                    self.cancelled.append(number)
                case s.RunTool(call):
                    self.tools.append(call)
                case s.Speak():
                    self.to_speak.append(command)
                case s.Pause():
                    self.paused = True
                    self.feed(s.Played(self.heard))
                case s.Resume():
                    self.paused = False
                case s.Flush():
                    self.to_speak.clear()
                    self.flushes_due += 1
                case s.WatchHeard(position):
                    self.watched.append(position)
                case s.Tell(kind, text, figures):
                    self.told.append((kind, text))
                    if kind is LiveKind.ANSWER_TIMED:
                        self.timed.append(figures)
                case s.Leave():
                    self.left = command

    def settle(self) -> None:
        """Let flushes and speech that are due happen."""
        while self.flushes_due:
            self.flushes_due -= 1
            position, self.heard, self.paused = self.heard, self.queued, False
            self.feed(s.Flushed(position))
        while self.speaks_by_itself and self.to_speak:
            self.speak_one()

    def speak_one(self) -> None:
        command = self.to_speak.pop(0)
        spans, at = [], 0
        for index, word in enumerate(command.text.split()):
            at = command.text.index(word, at) + len(word)
            spans.append(WordSpan(at, WORD_SAMPLES * (index + 1)))
        count = WORD_SAMPLES * len(spans)
        start, self.queued = self.queued, self.queued + count
        self.feed(s.SpeechQueued(command.sentence, start, count, tuple(spans)))
        self.feed(s.SpeechEnded(command.sentence))

    # ------------------------------------------------------------------ what time does

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.step()

    def step(self) -> None:
        self.settle()
        self.now = round(self.now + 0.02, 6)
        if not self.paused and self.heard < self.queued:
            self.heard = min(self.queued, self.heard + FRAME)
            self.audible_at.append(self.now)
        due = [mark for mark in self.watched if mark <= self.heard]
        self.watched = [mark for mark in self.watched if mark > self.heard]
        if due:
            self.feed(s.Played(self.heard))
        timer = self.session.next_timer()
        if timer is not None and self.now >= timer:
            self.feed(s.TimerDue())
        self.settle()

    # ------------------------------------------------------------------ what people and engines do

    def voice(self, seconds: float, *, hangover_s: float = 0.16) -> None:
        """The caller is heard for so long, told as the VAD tells it."""
        self.voice_on()
        self.hold_voice(seconds - 0.06)
        self.voice_off(hangover_s)

    def voice_on(self) -> None:
        """60 ms of it have passed when it is told."""
        started = self.now
        self.wait(0.06)
        self.feed(s.VoiceOn(started))
        self.feed(s.VoiceHeld(self.now))

    def hold_voice(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.wait(0.02)
            self.feed(s.VoiceHeld(self.now))

    def voice_off(self, hangover_s: float = 0.16) -> None:
        ended = self.now
        self.wait(hangover_s)
        self.feed(s.VoiceOff(ended))
        self.settle()

    def understood_so_far(self, text: str, *, is_sure: bool = True) -> None:
        self.feed(s.PartlyTranscribed(self.opened[-1].utterance, text, is_sure))
        self.settle()

    def understood(self, text: str) -> None:
        self.feed(s.Transcribed(self.closed.pop(0), text))
        self.settle()

    def says(self, text: str, seconds: float = 1.0) -> None:
        """A whole turn of the caller's."""
        self.voice(seconds)
        self.wait(0.5)
        self.understood(text)

    def replies(self, text: str, *, end: bool = True) -> None:
        number = self.rounds[-1].round
        for word in text.split(" "):
            self.feed(s.ReplyText(number, word + " "))
        if end:
            self.feed(s.ReplyEnded(number))
        self.settle()

    def presses(self, digit: str) -> None:
        self.feed(s.DigitPressed(digit, self.now))
        self.settle()

    # ------------------------------------------------------------------ what a test asks

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def history(self) -> list[str]:
        """The messages as "role: text", with a dash where an answer was interrupted."""
        return [
            f"{m.role.value}: {m.text}{' -' if m.interrupted else ''}"
            for m in self.session.history.messages()
        ]

    def told_of(self, kind: LiveKind) -> list[str]:
        return [text for k, text in self.told if k is kind]
