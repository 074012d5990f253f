"""Counts what a request costs, once."""

from __future__ import annotations

from types import TracebackType

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Meter, Usage


class Charge:
    """Around the tries of one request: counted as soon as the vendor answers with sound, or when nobody waits
    for that any more; not when it was refused."""

    def __init__(self, meter: Meter, usage: Usage) -> None:
        self._meter, self._usage = meter, usage
        self.is_counted = False

    def count(self) -> None:
        if not self.is_counted:
            self.is_counted = True
            self._meter(self._usage)

    def __enter__(self) -> Charge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, ProviderError):
            self.count()
