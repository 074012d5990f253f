"""Second tries of what has not sounded yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import Speech
from ari_bridge.providers.tts.speaking.charge import Charge
from ari_bridge.providers.vendor.retry import Budget, Retry

log = logging.getLogger(__name__)


async def tried(
    attempt: Callable[[Retry], AsyncGenerator[Speech, None]], charge: Charge, budget: Budget
) -> AsyncGenerator[Speech, None]:
    """The pieces of `attempt`, made again inside the budget while nothing was counted. It may use up tries
    itself, on its connection. Raises ProviderError."""
    loop = asyncio.get_running_loop()
    retry = Retry(budget, loop.time())
    with charge:
        while True:
            try:
                async with aclosing(attempt(retry)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ProviderError as error:
                may_try = error.retryable and not charge.is_counted
                pause_s = retry.pause_s(loop.time()) if may_try else None
                if pause_s is None:
                    raise
                log.info("%s; trying again in %.1f s", error, pause_s)
                await asyncio.sleep(pause_s)
