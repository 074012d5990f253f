"""How much a model thinks before it speaks. No I/O.

A caller hears the thinking as silence, so the least is asked for unless the operator wants more. Which words
for "least" a model takes differs from version to version, even of one vendor, and each refuses the others'
with an error. So there is a *ladder*: the ways to ask for it, the quickest first and "not at all" last. The
first one that the model does not refuse is kept to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Setting: TypeAlias = Mapping[str, Any]
"""What of a request's body says how much to think."""

LEAST = "least"
DEFAULT = "default"
"""The model's own: nothing is asked for."""
_ABOUT_IT = re.compile(r"think|reason|effort|budget", re.IGNORECASE)
_NOT_ACCEPTED = (400, 422)


def ladder(wish: str, least: Sequence[Setting], level: Callable[[str], Setting]) -> Ladder:
    """For what an operator wishes: "least", "default", or a level of the vendor's. `least`: the ways to ask
    for it, the quickest first."""
    if wish == LEAST:
        return Ladder((*least, {}))
    return Ladder(({} if wish == DEFAULT else level(wish),))


class Ladder:
    """For one model; requests may be under way at the same time."""

    def __init__(self, steps: Sequence[Setting]) -> None:
        """`steps`: at least one."""
        self._steps, self._at = tuple(steps), 0

    @property
    def setting(self) -> Setting:
        return self._steps[self._at]

    def refused(self, setting: Setting, status: int, text: str) -> bool:
        """A request with `setting` was answered with this HTTP status and text: whether to ask again."""
        if status not in _NOT_ACCEPTED or not _ABOUT_IT.search(text):
            return False
        at = self._steps.index(setting)
        if at + 1 == len(self._steps):
            return False
        self._at = max(self._at, at + 1)
        return True
