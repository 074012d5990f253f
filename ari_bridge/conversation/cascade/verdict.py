"""A model's verdict on a pause, if it comes in time."""

from __future__ import annotations

import asyncio
import logging

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import CallerPause, TurnDetector

log = logging.getLogger(__name__)


async def verdict(detector: TurnDetector, pause: CallerPause, timeout_ms: float) -> float | None:
    """How probable the end of the turn is (0..1); None where the detector fails, is late, or talks nonsense:
    then the words decide. What is late is cancelled."""
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            ends = await detector.turn_ends(pause)
    except TimeoutError:
        log.debug("turn detector: no verdict within %.0f ms", timeout_ms)
        return None
    except ProviderError as error:
        log.warning("turn detector: %s", error)
        return None
    if not 0 <= ends <= 1:  # NaN is neither
        log.warning("turn detector: %r is no probability", ends)
        return None
    return ends
