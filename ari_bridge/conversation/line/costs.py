"""What a call's engines have cost, by service."""

from __future__ import annotations

from ari_bridge.providers.base import Usage
from ari_bridge.store.record import UsageRecord


class Costs:
    def __init__(self) -> None:
        self._records: dict[str, UsageRecord] = {}

    def count(self, usage: Usage) -> None:
        """A `Meter`."""
        record = self._records.setdefault(usage.service, UsageRecord(usage.service))
        record.requests += 1
        record.input_tokens += usage.input_tokens
        record.cached_tokens += usage.cached_tokens
        record.output_tokens += usage.output_tokens
        record.audio_s += usage.audio_s
        record.characters += usage.characters

    def records(self) -> list[UsageRecord]:
        """By service; audio to the millisecond."""
        for record in self._records.values():
            record.audio_s = round(record.audio_s, 3)
        return sorted(self._records.values(), key=lambda record: record.service)
