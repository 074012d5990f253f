"""The agent's side: what the engine says is queued, heard, cut, and told to the engine as it was heard."""

from __future__ import annotations

import math
from collections import deque

from ari_bridge.conversation.speech import signals as c
from ari_bridge.conversation.speech.agent_turn import AgentTurn
from ari_bridge.conversation.speech.outbox import Outbox
from ari_bridge.conversation.speech.story import Story
from ari_bridge.conversation.speech.utterance import Utterance
from ari_bridge.core.audio import Onset
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue import signals as s
from ari_bridge.dialogue.latency import Stamp, Waterfall
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.dialogue.sentences import SentenceChunker
from ari_bridge.providers.speech import base as b

GAP_S = 3.0
"""Nothing more comes of an utterance whose audio has stopped coming for so long, and has all been heard."""
USUAL_GAP_S = 0.8
"""The same, of an engine that never tells the end of one."""


class AgentSide:
    def __init__(self, story: Story, outbox: Outbox, rate_hz: int, *, engine_tells_ends: bool = True) -> None:
        """`rate_hz`: of the positions."""
        self._gap_s = GAP_S if engine_tells_ends else USUAL_GAP_S
        self.turn: AgentTurn | None = None
        """The one that is being made or heard."""
        self.filler_comes = False
        """What the engine says next only passes the time: it was told to."""
        self.position = 0
        """Up to which agent audio is known to have left for the caller."""
        self._utterances: dict[str, tuple[AgentTurn, Utterance]] = {}
        self._cut: set[str] = set()
        """Items of which nothing more is wanted."""
        self._flushing: deque[tuple[AgentTurn, float]] = deque()
        """Turns that were cut short at a position that is not known yet; since when they are silent."""
        self._onset: Onset | None = None
        self._came_s = 0.0
        """When the engine's last audio came."""
        self._looks_for_gap = False
        self._announcers: dict[str, SentenceChunker] = {}
        """Of the items that sound, for their words that come later."""
        self._story, self._outbox = story, outbox
        self._rate_hz = rate_hz

    # ------------------------------------------------------------------ the engine speaks

    def wants(self, item: str) -> bool:
        return item not in self._cut

    def knows(self, item: str) -> bool:
        return item in self._utterances

    def makes(self, item: str) -> bool:
        """Whether the item belongs to the turn that is being made."""
        return item in self._utterances and self._utterances[item][0] is self.turn

    def begin(self, waterfall: Waterfall) -> AgentTurn:
        """A new turn, of which there is nothing yet."""
        turn = self.turn = AgentTurn(waterfall)
        self._story.add(turn)
        return turn

    def begin_utterance(self, item: str, now: float) -> None:
        """In the turn that is being made."""
        self._came_s = now
        assert self.turn is not None
        before = self._utterances.get(item)  # given up, and it goes on after all
        earlier = 0 if before is None else before[1].received
        utterance = Utterance(item, len(self._utterances), earlier)
        utterance.sentence.is_filler, self.filler_comes = self.filler_comes, False
        self.turn.add(utterance)
        self._utterances[item] = self.turn, utterance

    def audio(self, event: b.AgentAudio, now: float) -> None:
        turn, utterance = self._utterances[event.item]
        self._came_s, self._looks_for_gap = now, False
        if not utterance.sentence.is_filler:
            turn.waterfall.mark(Stamp.FIRST_TOKEN, now)
            turn.waterfall.mark(Stamp.FIRST_AUDIO, now)
        utterance.receive(len(event.pcm))
        if len(event.pcm):
            self._outbox.do(c.Play(event.item, event.pcm))

    def text(self, event: b.AgentText, now: float) -> None:
        turn, utterance = self._utterances[event.item]
        if not utterance.sentence.is_filler:
            turn.waterfall.mark(Stamp.FIRST_TOKEN, now)
        turn.add_text(utterance, event.text)
        announcer = self._announcers.get(event.item)
        if announcer is not None:
            self._announce(announcer.push(event.text))

    def done(self, item: str) -> None:
        """All of the item is there."""
        if item in self._cut or item not in self._utterances:
            return
        _, utterance = self._utterances[item]
        utterance.complete()
        self._watch_end(utterance)
        if item in self._announcers:
            self._announce(self._announcers.pop(item).finish())

    def break_off(self) -> None:
        """Nothing more comes of what the engine has begun."""
        for turn_of, utterance in list(self._utterances.values()):
            if turn_of is self.turn and not utterance.is_complete:
                self.done(utterance.item)

    @property
    def gap_due_s(self) -> float:
        """When an utterance that has no end counts as broken off, if all of it has been heard by then."""
        return math.inf if self.is_made or self._looks_for_gap else self._came_s + self._gap_s

    def look_for_gap(self) -> None:
        if self.is_silent:
            self.break_off()
        elif self.turn is not None:
            self._looks_for_gap = True
            for utterance in self.turn.utterances:
                if not utterance.is_complete and utterance.started:
                    self._outbox.do(s.WatchHeard(utterance.sentence.end))

    def tool_called(self, call: ToolCall) -> None:
        if self.turn is not None:
            self.turn.tool_called(call)

    # ------------------------------------------------------------------ its audio leaves

    def queued(self, event: c.Queued) -> None:
        _, utterance = self._utterances[event.item]
        if not utterance.started:
            self._outbox.do(s.WatchHeard(event.start + 1))
        utterance.queue(event.start, event.sample_count)
        self._watch_end(utterance)

    def played(self, position: int, onset: Onset | None, now: float) -> None:
        self.position = max(self.position, position)
        self._onset = onset
        if self.turn is None:
            return
        if self._looks_for_gap and self.is_silent:
            self.break_off()
        for utterance in self.turn.utterances:
            start = utterance.sentence.start
            if start is not None and not utterance.sentence.told and position > start:
                utterance.sentence.told = True
                exact_s = None if onset is None else onset.at_s(start, self._rate_hz)
                self._heard_first(self.turn, utterance, now if exact_s is None else min(exact_s, now))

    def _heard_first(self, turn: AgentTurn, utterance: Utterance, at_s: float) -> None:
        if turn.first_heard_s is None and not utterance.sentence.is_filler:
            turn.first_heard_s = at_s
            turn.waterfall.mark(Stamp.FIRST_PACKET, at_s)
            if figures := turn.waterfall.metrics_ms():
                self._outbox.tell(LiveKind.ANSWER_TIMED, figures=figures)
        announcer = SentenceChunker()
        self._announce(announcer.push(utterance.spaced_text))
        if utterance.is_complete:
            self._announce(announcer.finish())
        else:
            self._announcers[utterance.item] = announcer

    def _announce(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self._outbox.tell(LiveKind.AGENT_SAYS, sentence)

    def _watch_end(self, utterance: Utterance) -> None:
        if utterance.is_complete and utterance.is_queued and utterance.started:
            self._outbox.do(s.WatchHeard(utterance.sentence.end))

    # ------------------------------------------------------------------ it ends

    @property
    def is_silent(self) -> bool:
        """All that is there has been heard."""
        return self.turn is None or self.turn.is_silent(self.position)

    @property
    def is_made(self) -> bool:
        """The engine has come to the end of what it began to say."""
        return self.turn is None or self.turn.is_made

    @property
    def is_speaking(self) -> bool:
        """The engine has begun something that has not all been heard."""
        return not (self.is_silent and self.is_made)

    @property
    def only_fills(self) -> bool:
        """What is being heard only passes the time."""
        unheard = [] if self.turn is None else self.turn.unheard(self.position)
        return bool(unheard) and all(utterance.sentence.is_filler for utterance in unheard)

    @property
    def has_spoken(self) -> bool:
        """There are words of the turn that is being made."""
        return self.turn is not None and any(u.received for u in self.turn.utterances)

    @property
    def tools_run(self) -> bool:
        return self.turn is not None and bool(self.turn.calls_running)

    def finish(self, now: float) -> None:
        """It was heard to its end."""
        if self.turn is not None:
            last = max((one.sentence.end for one in self.turn.utterances), default=0)
            left_s = None if self._onset is None else self._onset.at_s(last, self._rate_hz)
            self.turn.end(now if left_s is None else min(left_s, now))
            self.turn = None

    def want_again(self) -> None:
        """The engine has stopped by itself: what comes now is new, whatever it is called."""
        self._cut.clear()

    def cut(self, silenced_s: float) -> bool:
        """Drop what was not heard; `silenced_s`: since when the caller hears nothing. False where there is
        nothing to drop."""
        turn, self.turn = self.turn, None
        if turn is None or not turn.unheard(self.position):
            if turn is not None:
                turn.end(silenced_s)
            return False
        self._cut.update(utterance.item for utterance in turn.unheard(self.position))
        for utterance in turn.utterances:
            self._announcers.pop(utterance.item, None)
        self._flushing.append((turn, silenced_s))
        self._outbox.hold_requests()
        self._outbox.do(s.Pause())
        self._outbox.do(s.Flush())
        return True

    def flushed(self, position: int) -> None:
        """The audio of the turn that was cut first ended at `position`."""
        turn, silenced_s = self._flushing.popleft()
        self.position = max(self.position, position)
        for utterance in turn.unheard(position):
            self._outbox.send(b.Cut(utterance.item, utterance.earlier + utterance.heard_samples(position)))
        if not self._flushing:
            self._outbox.release_requests()
        turn.end(silenced_s, cut_at=position, rate_hz=self._rate_hz)
        if turn.was_cut and turn.left_a_trace:
            self._outbox.tell(LiveKind.AGENT_INTERRUPTED, turn.heard)

    def end(self, position: int, now: float) -> None:
        """The call is over; agent audio had left up to `position`."""
        self.position = max(self.position, position)
        while self._flushing:
            self.flushed(self.position)
        if self.turn is not None:
            self.turn.end(now, cut_at=position, rate_hz=self._rate_hz)
            self.turn = None
