"""What the agent says of its own accord, without a model, in one language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sayings:
    """English where a language has none of its own."""

    apology: str = "I am sorry, something went wrong on our side."
    """An engine has failed for good: the dialplan takes the call."""
    goodbye: str = "I am sorry, our time is up, and I have to end our call here. Goodbye."
    """The call has lasted as long as it may."""
    resumption: str = "I am sorry, I lost you for a moment. Please go on."
    """Another process takes over the call."""
    no_answer: str = "I am sorry, could you say that again?"
    """The model came to nothing."""
    fillers: tuple[str, ...] = ("One moment, please.", "I am still looking.", "I am nearly there.")
    check_ins: tuple[str, ...] = ("Are you still there?", "Hello? I cannot hear you.")
    farewell: str = "I cannot hear you, so I am going to end the call. Goodbye."
    """No check-in was answered."""

    @property
    def all(self) -> tuple[str, ...]:
        return (
            self.apology,
            self.goodbye,
            self.resumption,
            self.no_answer,
            *self.fillers,
            *self.check_ins,
            self.farewell,
        )
