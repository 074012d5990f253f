"""A call placed from the carrier by its REST interface: the line is there first, then the number is dialled,
so that not one packet of the answer is lost.

    line ──RTP── externalMedia leg ─┐
                                  bridge
    PBX ══SIP, RTP══ PJSIP channel ─┘
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox.asterisk import AsteriskServer

_ANSWER_TIMEOUT_S = 5.0


class CarrierCall:
    """One outgoing call. Made by `open_call`, which also takes it down."""

    def __init__(self, session: aiohttp.ClientSession, app: str) -> None:
        self._session = session
        self._app = app
        self._channel_id = f"{app}-call"
        self._leg_id = f"{app}-leg"
        self._bridge_id = f"{app}-bridge"
        self._entered: dict[str, asyncio.Event] = {
            self._channel_id: asyncio.Event(),
            self._leg_id: asyncio.Event(),
        }
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.hangup_cause = ""
        """Q.850's words, such as "Normal Clearing", once it has ended."""

    async def attach_line(self, address: tuple[str, int], wire: str, number: str) -> tuple[str, int]:
        """Open the leg to the line at `address`; returns where the line must send to.

        `number` is the caller's. It belongs to the leg: a bridge tells each side who the other is, and
        that is what the INVITE says in From.
        """
        leg = await self._post(
            "channels/externalMedia",
            {"variables": {"CALLERID(num)": number}},
            app=self._app,
            channelId=self._leg_id,
            external_host=f"{address[0]}:{address[1]}",
            format=wire,
        )
        await self._wait_entered(self._leg_id)
        await self._post("bridges", type="mixing", bridgeId=self._bridge_id)
        await self._post(f"bridges/{self._bridge_id}/addChannel", channel=self._leg_id)
        variables = leg["channelvars"]
        return variables["UNICASTRTP_LOCAL_ADDRESS"], int(variables["UNICASTRTP_LOCAL_PORT"])

    async def dial(self, did: str, codec: str) -> None:
        """Dial over the trunk; `answered` and `ended` tell what became of it."""
        await self._post(
            "channels/create",
            endpoint=f"PJSIP/{did}@trunk-{codec}",
            app=self._app,
            channelId=self._channel_id,
        )
        await self._wait_entered(self._channel_id)
        await self._post(f"bridges/{self._bridge_id}/addChannel", channel=self._channel_id)
        await self._post(f"channels/{self._channel_id}/dial", timeout="30")

    async def press(self, digits: str, *, duration_ms: int, between_ms: int) -> None:
        """Send digits as RFC 4733 events; returns when the last has been sent."""
        await self._post(
            f"channels/{self._channel_id}/dtmf",
            dtmf=digits,
            duration=str(duration_ms),
            between=str(between_ms),
        )
        await asyncio.sleep(len(digits) * (duration_ms + between_ms) / 1000)

    async def hold(self) -> None:
        raise SandboxError("the carrier's telephone cannot hold: holds_ms works in the pipeline only")

    async def unhold(self) -> None:
        pass  # it never held

    async def close(self) -> None:
        """Hang up, and take leg and bridge away. What has gone already is no error."""
        for path in (
            f"channels/{self._channel_id}",
            f"channels/{self._leg_id}",
            f"bridges/{self._bridge_id}",
        ):
            async with self._session.delete(f"/ari/{path}") as answer:
                await answer.read()

    async def follow(self, events: aiohttp.ClientWebSocketResponse) -> None:
        """Take in Asterisk's events until the socket closes."""
        async for message in events:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._handle(json.loads(message.data))
        self.ended.set()

    def _handle(self, event: Mapping[str, Any]) -> None:
        channel = event.get("channel", {})
        kind, channel_id = event["type"], channel.get("id")
        if kind == "StasisStart" and channel_id in self._entered:
            self._entered[channel_id].set()
        elif channel_id == self._channel_id:
            if kind == "ChannelStateChange" and channel["state"] == "Up":
                self.answered.set()
            elif kind in ("ChannelHangupRequest", "ChannelDestroyed"):
                self.hangup_cause = event.get("cause_txt", self.hangup_cause)
                if kind == "ChannelDestroyed":
                    self.ended.set()

    async def _wait_entered(self, channel_id: str) -> None:
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                await self._entered[channel_id].wait()
        except TimeoutError:
            raise SandboxError(f"the carrier did not open the caller's channel {channel_id}") from None

    async def _post(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Any:
        try:
            async with self._session.post(f"/ari/{path}", params=query, json=body) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    raise SandboxError(f"the carrier refused {path}: {answer.status} {text.strip()}")
                return json.loads(text) if text else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SandboxError(f"the carrier does not answer {path}: {error}") from None


@asynccontextmanager
async def open_call(carrier: AsteriskServer) -> AsyncIterator[CarrierCall]:
    """A call not dialled yet; at the end it is hung up and nothing of it is left. Raises SandboxError."""
    app = f"caller-{secrets.token_hex(4)}"
    async with carrier.ari_session() as session:
        try:
            events = await session.ws_connect("/ari/events", params={"app": app})
        except aiohttp.ClientError as error:
            raise SandboxError(f"the carrier's events cannot be had: {error}") from None
        call = CarrierCall(session, app)
        async with events:
            following = asyncio.create_task(call.follow(events), name=f"{app} events")
            try:
                yield call
            finally:
                try:
                    await call.close()
                    async with asyncio.timeout(2):
                        await call.ended.wait()
                except (aiohttp.ClientError, TimeoutError):
                    pass  # the carrier itself has gone, or the call was never dialled
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
