"""The caller's way back from hold."""

from __future__ import annotations

import asyncio
import logging

from ari_bridge.actions.base import Desk
from ari_bridge.core.errors import AsteriskError, Gone

logger = logging.getLogger(__name__)

AGAIN_AFTER_S = 1.0


async def bring_back(desk: Desk) -> None:
    """Caller and agent are together again, and the dialogue goes on. A PBX that does not answer is asked
    again until it does, or the call ends: nobody stays with music for ever."""
    while True:
        try:
            await desk.call.unhold()
            break
        except Gone:
            break  # the caller has left, which the call finds out by itself
        except AsteriskError as error:
            logger.warning("the caller is still on hold: %s", error)
            await asyncio.sleep(AGAIN_AFTER_S)
    desk.talk.take_back()
