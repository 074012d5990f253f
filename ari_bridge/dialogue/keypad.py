"""Digits at the telephone's keys, gathered into entries.

An entry ends with its terminator, with its last possible digit, or with a pause. With a pause of 0 each key
is an entry of its own: menus answer at once. The terminator belongs to no entry, unless it is all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

TERMINATOR = "#"


@dataclass(slots=True)
class Keypad:
    pause_s: float
    digits_max: int
    entry: str = ""
    """The digits so far of the entry that is open; "" where none is."""
    ends_s: float = 0.0
    """When the entry is over, unless another digit comes."""

    def press(self, digit: str, at_s: float) -> int:
        """Returns how many digits the entry had before."""
        before = len(self.entry)
        if digit == TERMINATOR and before:
            self.ends_s = at_s
            return before
        self.entry += digit
        is_full = len(self.entry) >= self.digits_max or digit == TERMINATOR
        self.ends_s = at_s if is_full else at_s + self.pause_s
        return before

    def close(self) -> None:
        self.entry = ""
