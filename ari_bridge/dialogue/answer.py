"""One answer of the agent, while it is made and spoken.

An answer takes one or more *rounds* of the model: text, perhaps tool calls, and after their results another
round. Its text is cut into sentences as it streams; each is on its way to the caller before the next is
there.
"""

from __future__ import annotations

from ari_bridge.core.messages import ToolCall
from ari_bridge.dialogue.history import AgentSaid, Sentence
from ari_bridge.dialogue.latency import Waterfall
from ari_bridge.dialogue.sentences import SentenceChunker, has_words
from ari_bridge.dialogue.words import words

BEGUN_WORDS_MAX = 1
"""One word of an answer is none: nobody has understood it."""
ROUNDS_MAX = 8
"""A model that calls tools for ever is stopped here."""


class Answer:
    def __init__(self, waterfall: Waterfall, *, answers_caller: bool = False) -> None:
        """`answers_caller`: unlike a greeting, or a question whether anybody is there."""
        self.waterfall = waterfall
        self._answers_caller = answers_caller
        self.rounds: list[AgentSaid] = []
        self.round_number: int | None = None
        """The round that the model is streaming; None between rounds and after the last."""
        self.calls_waiting: list[ToolCall] = []
        """Asked for by the model, not run yet."""
        self.calls_running: set[str] = set()
        self.round_owed = False
        """Tools have run in this round: the model is to see their results."""
        self.acted = False
        """A tool has run: the turn cannot be undone."""
        self.has_done_something = False
        """A tool was not refused."""
        self.first_heard_s: float | None = None
        self.silenced_s: float | None = None
        """When the caller stopped it."""
        self.is_made_up = False
        """Something was said in place of what is missing, if there was anything to say."""
        self._is_models = False
        self._chunker = SentenceChunker()

    def begin_round(self, number: int | None, said: AgentSaid) -> None:
        """`number` is None for words that no model makes (greeting, apology)."""
        self.round_number = number
        self._is_models |= number is not None
        self.round_owed = False
        self.rounds.append(said)

    def add_text(self, delta: str) -> list[str]:
        """The sentences that are complete with it."""
        return [sentence for sentence in self._chunker.push(delta) if has_words(sentence)]

    def end_round(self) -> list[str]:
        """The model's stream is over; the sentences that were left."""
        self.round_number = None
        return [sentence for sentence in self._chunker.finish() if has_words(sentence)]

    def add_sentence(
        self, number: int, text: str, *, is_filler: bool = False, is_protected: bool = False
    ) -> None:
        self.rounds[-1].sentences.append(
            Sentence(number, text, is_filler=is_filler, is_protected=is_protected)
        )

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for said in self.rounds for sentence in said.sentences]

    def sentence(self, number: int) -> Sentence | None:
        return next((sentence for sentence in self.sentences if sentence.number == number), None)

    @property
    def text(self) -> str:
        return " ".join(said.text for said in self.rounds if said.text)

    @property
    def kept(self) -> str:
        """What of the text was heard, once the rounds are cut."""
        return " ".join(said.kept for said in self.rounds if said.kept)

    @property
    def has_just_begun(self) -> bool:
        """Once the rounds are cut: the caller had gone on before the agent's second word was out, so that the
        two of them had begun to speak together. Whose turn it was the caller has told."""
        return self._answers_caller and len(words(self.kept)) <= BEGUN_WORDS_MAX and self.kept != self.text

    @property
    def audible(self) -> bool:
        return any(sentence.start is not None for sentence in self.sentences)

    @property
    def wants_round(self) -> bool:
        """All tools of the round have answered, and the model is to be asked again."""
        return (
            self.round_owed
            and self.round_number is None
            and not self.calls_waiting
            and not self.calls_running
            and len(self.rounds) < ROUNDS_MAX
        )

    @property
    def made(self) -> bool:
        """Nothing more will be added."""
        return (
            self.round_number is None
            and not self.calls_waiting
            and not self.calls_running
            and not self.wants_round
        )

    @property
    def is_missing(self) -> bool:
        """The model came to nothing: no word was said, nothing was done, or tools were called for ever."""
        to_no_end = not self.has_done_something or self.round_owed
        has_words = self.is_made_up or any(said.words for said in self.rounds)
        return self._is_models and self.made and to_no_end and not has_words

    def heard_out(self, position: int) -> bool:
        """All of it has left for the caller."""
        return self.made and self.is_quiet(position)

    def is_quiet(self, position: int) -> bool:
        """Nothing of what there is so far is left to be heard."""
        return all(sentence.complete and position >= sentence.end for sentence in self.sentences)

    def heard_by(self, position: int, rate_hz: int) -> str:
        """What of it had been heard when audio had left up to `position`."""
        return " ".join(filter(None, (said.heard_by(position, rate_hz) for said in self.rounds)))

    def words_out(self, position: int) -> bool:
        """All its words have sounded, though silence may still follow."""
        return self.made and all(sentence.words_end(position) for sentence in self.sentences)
