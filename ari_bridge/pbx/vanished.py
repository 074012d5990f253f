"""Which calls are over though nobody is there to say so: Asterisk is gone, and stays away.

A broken way to Asterisk ends no call: audio flows on. An Asterisk that is dead sends no audio either. So a
call counts as over when for `after_s` nothing came: no events, and no packet on its leg. When an Asterisk
that only stood still goes on later, the callers who wait in it for nobody go on in the dialplan (upkeep.py).
"""

from __future__ import annotations

from collections.abc import Mapping


class VanishedCalls:
    """Call `look` every few seconds. Time is in seconds, monotonic."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._heard: dict[str, tuple[int, float]] = {}
        """By call id: packets so far, and when their number last changed, or events last came."""

    def look(self, now: float, *, connected: bool, packets: Mapping[str, int]) -> list[str]:
        """The ids of the calls that are over. `packets`: how many each call's leg has sent so far."""
        if connected:
            self._heard.clear()
            return []
        before, self._heard = self._heard, {}
        for call_id, count in packets.items():
            known, since_s = before.get(call_id, (-1, now))
            self._heard[call_id] = (count, since_s if known == count else now)
        return [call_id for call_id, (_, since_s) in self._heard.items() if now - since_s >= self._after_s]
