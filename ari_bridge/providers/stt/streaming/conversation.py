"""One call's conversation with a vendor: opens connections, keeps them warm, sends, receives, starts anew.

Two tasks talk on a connection, one each way; the state between them is in Utterances. A connection that
breaks, or makes no sense, or owes an answer for too long, is replaced, and the next one is sent again what
has not been settled; how often, is in the budget, which is full again after every final transcript.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from ari_bridge.core.errors import ProviderError
from ari_bridge.providers.base import SpeechContext, SttInput, Transcript, Usage
from ari_bridge.providers.stt.streaming.dialect import Billing, Dialect, Reply, Understood
from ari_bridge.providers.stt.streaming.lines import Connect, Line
from ari_bridge.providers.stt.streaming.pace import Pace
from ari_bridge.providers.stt.streaming.utterances import Cue, Utterances
from ari_bridge.providers.vendor.retry import Budget, Retry

log = logging.getLogger(__name__)

M = TypeVar("M")

REPLACEMENTS = Budget(tries=3, total_s=6.0, first_pause_s=0.1)
"""Of connections without a final transcript in between."""
_STEADY_S = 10.0
"""A connection that held so long is not counted among those that failed."""
_FAR_S = 1e9
_GOODBYE_S = 0.5
_LAST_WORD_S = 0.05
"""Where sending fails, the vendor may have said why."""


class Conversation(Generic[M]):
    def __init__(
        self,
        name: str,
        make: Callable[[SpeechContext], Dialect[M]],
        connect: Connect[M],
        final_s: float,
        context: SpeechContext,
        transcripts: asyncio.Queue[Transcript | None],
    ) -> None:
        self._name, self._make, self._connect, self._context = name, make, connect, context
        self._out = transcripts
        self._dialect = make(context)
        self._manners = self._dialect.manners
        self._utterances = Utterances(context.rate_hz, self._manners, final_s)
        self._changed = asyncio.Event()
        self._unbilled_s = 0.0
        self._retry: Retry | None = None
        self._clock = asyncio.get_running_loop().time

    async def run(self, audio: AsyncIterator[SttInput]) -> None:
        hearing = asyncio.create_task(self._hear(audio), name=f"{self._name} audio")
        try:
            while not self._utterances.is_done:
                await self._one_connection()
            await hearing
        finally:
            await stop(hearing)

    async def _hear(self, audio: AsyncIterator[SttInput]) -> None:
        try:
            async for item in audio:
                if self._utterances.hear(item):
                    self._changed.set()
                self._publish()
        finally:
            self._utterances.end()
            self._changed.set()

    # ------------------------------------------------------------------ connections

    async def _one_connection(self) -> None:
        """Raises ProviderError: none could be had, or too many were of no use."""
        async with self._connect(self._dialect) as line:
            began_s = self._clock()
            self._utterances.connected()
            try:
                await self._converse(line)
                pause_s = 0.0
            except ProviderError as error:
                if self._clock() - began_s > _STEADY_S:
                    self._retry = None
                pause_s = self._pause_s(error)
            finally:
                self._bill(self._clock() - began_s if self._manners.billing is Billing.SESSION else 0.0)
        self._dialect = self._make(self._context)
        await asyncio.sleep(pause_s)

    def _pause_s(self, error: ProviderError) -> float:
        """How long to wait before the next connection. Raises the error, in the vendor's name, where there is
        to be none."""
        text = str(error)
        error = ProviderError(
            text if text.startswith(self._name) else f"{self._name}: {text}", retryable=error.retryable
        )
        if not error.retryable:
            raise error
        if self._retry is None:
            self._retry = Retry(REPLACEMENTS, self._clock())
        pause_s = self._retry.pause_s(self._clock())
        if pause_s is None:
            raise error
        log.info("%s; connecting again", error)
        return pause_s

    async def _converse(self, line: Line[M]) -> None:
        """Until the call is over, or the connection has done what it was for. Raises ProviderError."""
        await _send_all(line, self._dialect.opening())
        ways = [
            asyncio.create_task(self._receive(line), name=f"{self._name} words"),
            asyncio.create_task(self._send(line), name=f"{self._name} sound"),
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if any(way.exception() for way in done):
                await asyncio.wait(ways[:1], timeout=_LAST_WORD_S)
            for way in ways:
                if way.done():
                    way.result()
        finally:
            for way in ways:
                await stop(way)
            with suppress(ProviderError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await _send_all(line, self._dialect.goodbye())

    # ------------------------------------------------------------------ to the vendor

    async def _send(self, line: Line[M]) -> None:
        manners = self._manners
        pace = Pace(manners.catch_up, manners.ahead_s)
        opened_s = sent_s = self._clock()
        while True:
            now = self._clock()
            self._utterances.expire(now)
            output = self._utterances.output(now)
            self._publish()
            if output is None:
                renew_s = opened_s + (manners.renew_s or _FAR_S)
                if self._has_served(is_old=now >= renew_s):
                    return
                if manners.keep_alive_s is not None and now >= sent_s + manners.keep_alive_s:
                    await self._keep_alive(line)
                    sent_s = now
                alive_s = sent_s + (manners.keep_alive_s or _FAR_S)
                await self._wait([at_s for at_s in (renew_s, alive_s) if at_s > now])
                continue
            sent_s = now
            if output is Cue.BEGIN:
                await _send_all(line, self._dialect.begin())
            elif output is Cue.FINISH:
                await _send_all(line, self._dialect.finish())
                self._bill()
            else:
                duration_s = len(output) / self._context.rate_hz
                await asyncio.sleep(pace.pause_s(now, duration_s))
                self._unbilled_s += duration_s
                await _send_all(line, self._dialect.audio(output))

    def _has_served(self, *, is_old: bool) -> bool:
        """The connection is not needed any more, or better replaced now."""
        utterances = self._utterances
        return utterances.is_done or utterances.is_spent or (is_old and utterances.is_quiet)

    async def _keep_alive(self, line: Line[M]) -> None:
        if self._manners.keep_alive_ms:
            await _send_all(line, self._dialect.audio(self._utterances.silence(self._manners.keep_alive_ms)))
            self._unbilled_s += self._manners.keep_alive_ms / 1000
        else:
            await _send_all(line, self._dialect.keep_alive())

    async def _wait(self, times_s: Sequence[float]) -> None:
        """Until there is something to do, at one of these times at the latest."""
        due_s = self._utterances.due_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min([*times_s, *([] if due_s is None else [due_s])], default=None)):
                await self._changed.wait()
        self._changed.clear()

    # ------------------------------------------------------------------ from the vendor

    async def _receive(self, line: Line[M]) -> None:
        while (message := await self._next(line)) is not None:
            for understood in self._understood(message):
                match understood:
                    case Usage():
                        self._context.meter(understood)
                    case Reply(message=reply):
                        await line.send(reply)
                    case _:
                        self._utterances.take(understood)
            self._publish()
            self._changed.set()
        if not self._utterances.is_spent:
            raise ProviderError("it closed the connection in the middle of the call", retryable=True)

    async def _next(self, line: Line[M]) -> M | None:
        """None: the vendor has closed. Raises ProviderError, except where nothing is lost with it."""
        try:
            return await line.receive()
        except ProviderError:
            if self._utterances.is_spent:
                return None
            raise

    def _understood(self, message: M) -> list[Understood[M]]:
        """Raises ProviderError."""
        try:
            return list(self._dialect.take(message))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            raise ProviderError("cannot understand its answer", retryable=True) from None

    def _publish(self) -> None:
        for transcript in self._utterances.transcripts():
            if transcript.final:
                self._retry = None
            self._out.put_nowait(transcript)

    def _bill(self, session_s: float = 0.0) -> None:
        audio_s, self._unbilled_s = self._unbilled_s, 0.0
        billed_s = {Billing.AUDIO: audio_s, Billing.SESSION: session_s, Billing.TOLD: 0.0}[
            self._manners.billing
        ]
        if billed_s:
            self._context.meter(Usage(audio_s=billed_s, service=self._dialect.service))


async def _send_all(line: Line[M], messages: Iterable[M]) -> None:
    for message in messages:
        await line.send(message)


async def stop(task: asyncio.Task[None]) -> None:
    """Leaves nothing of it, not even an error that nobody asked for."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
