"""What was said and done in a call, turn by turn, for its record and for another session of the engine."""

from __future__ import annotations

from collections.abc import Iterable

from ari_bridge.conversation.speech.agent_turn import AgentTurn
from ari_bridge.conversation.speech.caller_turn import CallerTurn
from ari_bridge.core.messages import Message
from ari_bridge.dialogue.history import CallerSaid, Entry, History
from ari_bridge.dialogue.log import Turn


class Story:
    """Late words change turns that are over: transcripts come beside the audio, in their own time."""

    def __init__(self, past: Iterable[Entry] = (), turns: Iterable[Turn] = ()) -> None:
        self._past, self._past_turns = list(past), list(turns)
        self._turns: list[AgentTurn | CallerTurn] = []

    def add(self, turn: AgentTurn | CallerTurn) -> None:
        self._turns.append(turn)

    @property
    def finished(self) -> list[Turn]:
        recorded = (turn.turn for turn in self._turns if turn.is_over)
        return [*self._past_turns, *(turn for turn in recorded if turn is not None)]

    @property
    def last_caller(self) -> CallerTurn | None:
        """The caller's last turn, if nothing has come of it that the caller noticed."""
        for turn in reversed(self._turns):
            if isinstance(turn, CallerTurn):
                return turn
            if turn.left_a_trace:
                return None
        return None

    def tool_answered(self, call_id: str, result: str) -> None:
        for turn in self._turns:
            if isinstance(turn, AgentTurn) and turn.tool_answered(call_id, result):
                return

    def caller_of(self, item: str) -> CallerTurn | None:
        """Whose item it is."""
        turns = (turn for turn in self._turns if isinstance(turn, CallerTurn) and turn.has(item))
        return next(turns, None)

    def messages(self) -> tuple[Message, ...]:
        """As a model gets them."""
        history = History()
        history.entries.extend(self._past)
        for turn in self._turns:
            if isinstance(turn, CallerTurn):
                history.entries.extend([turn.entry] if turn.text else [])
            else:
                history.entries.extend(turn.entries)
        return tuple(history.messages())

    @property
    def waits_for_answer(self) -> bool:
        """The last that was said is the caller's."""
        last = next((turn for turn in reversed(self._turns)), None)
        if isinstance(last, CallerTurn):
            return True
        return last is None and bool(self._past) and isinstance(self._past[-1], CallerSaid)
