"""One turn of the agent's: what it says and does from when it begins until the caller has the turn."""

from __future__ import annotations

from ari_bridge.conversation.speech.utterance import Utterance
from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.history import AgentSaid, Entry, ToolAnswered
from ari_bridge.dialogue.latency import Waterfall
from ari_bridge.dialogue.log import Turn, Who


class AgentTurn:
    def __init__(self, waterfall: Waterfall) -> None:
        self.waterfall = waterfall
        self.utterances: list[Utterance] = []
        self.calls_running: set[str] = set()
        self.first_heard_s: float | None = None
        self.entries: list[Entry] = [AgentSaid()]
        """For the history: rounds of words, and the tools that were used after them."""
        self._ended_s: float | None = None
        self._cut: tuple[int, int] | None = None
        """The position at which it was cut short, and the rate."""
        self._turn: Turn | None = None

    # ------------------------------------------------------------------ it is made

    def add(self, utterance: Utterance) -> None:
        said = self.entries[-1]
        if not isinstance(said, AgentSaid):
            said = AgentSaid()
            self.entries.append(said)
        said.sentences.append(utterance.sentence)
        self.utterances.append(utterance)

    def add_text(self, utterance: Utterance, text: str) -> None:
        utterance.add_text(text)
        self._changed()

    def tool_called(self, call: ToolCall) -> None:
        said = next(entry for entry in reversed(self.entries) if isinstance(entry, AgentSaid))
        said.tool_calls.append(call)
        self.entries.append(ToolAnswered(call.call_id))
        self.calls_running.add(call.call_id)

    def tool_answered(self, call_id: str, result: str) -> bool:
        """Whether it was called in this turn."""
        for entry in self.entries:
            if isinstance(entry, ToolAnswered) and entry.call_id == call_id:
                entry.result = result
                self.calls_running.discard(call_id)
                return True
        return False

    # ------------------------------------------------------------------ it is heard

    def is_silent(self, position: int) -> bool:
        """All of it that was received has been heard."""
        return not any(u.is_sounding_or_to_come(position) for u in self.utterances)

    @property
    def is_made(self) -> bool:
        """The engine has nothing more of the utterances it began."""
        return all(u.is_complete for u in self.utterances)

    def unheard(self, position: int) -> list[Utterance]:
        return [u for u in self.utterances if not u.is_heard_out(position)]

    def end(self, now: float, *, cut_at: int | None = None, rate_hz: int = 0) -> None:
        """It is over, cut short at the position `cut_at` if anything of it was not heard."""
        self._ended_s = now
        if cut_at is not None and self.unheard(cut_at):
            self._cut = cut_at, rate_hz
        self._changed()

    # ------------------------------------------------------------------ what is kept of it

    @property
    def is_over(self) -> bool:
        return self._ended_s is not None

    @property
    def was_cut(self) -> bool:
        return self._cut is not None

    @property
    def left_a_trace(self) -> bool:
        """It was heard, or something was done."""
        return self.first_heard_s is not None or any(
            isinstance(entry, ToolAnswered) for entry in self.entries
        )

    @property
    def heard(self) -> str:
        return " ".join(said.kept for said in self._said if said.kept)

    @property
    def turn(self) -> Turn | None:
        """For the record, the same object until it changes; None where nothing of it was heard."""
        if self._turn is None and self.first_heard_s is not None and self._ended_s is not None:
            text = " ".join(said.text for said in self._said if said.text)
            latency_ms = self.waterfall.latency_ms()
            self._turn = Turn(
                Who.AGENT, text, self.first_heard_s, self._ended_s, self.heard, self.was_cut, latency_ms
            )
        return self._turn

    @property
    def _said(self) -> list[AgentSaid]:
        return [entry for entry in self.entries if isinstance(entry, AgentSaid)]

    def _changed(self) -> None:
        self._turn = None
        if self._cut is not None:
            position, rate_hz = self._cut
            for said in self._said:
                complete = all(sentence.complete for sentence in said.sentences)
                said.cut(position, rate_hz, more_meant=not complete)
