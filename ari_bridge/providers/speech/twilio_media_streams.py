"""Any bot that answers Twilio's Media Streams answers our calls unchanged: we are its Twilio.

The bot is asked as Twilio asks it: by its voice webhook, which answers TwiML with the stream's address, or
straight at that address. It hears the caller in 20 ms frames as they come, may send its own audio faster than
it is heard, and is told by marks when it really was *heard*; `clear` silences it at once. When the bot closes
the stream, the call goes on in the dialplan, as a call of Twilio goes on after <Connect>.

What a bot does by Twilio's REST API (transfer, hang up) is not there; it ends the stream instead, or uses our
HTTP API.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Annotated
from urllib.parse import urlencode

import aiohttp
from pydantic import Field, field_validator, model_validator

from ari_bridge.core.errors import ProviderError
from ari_bridge.media.resample import Resampler
from ari_bridge.providers.base import Kind, Provider
from ari_bridge.providers.speech.base import (
    Abilities,
    AgentAudio,
    CallerAudio,
    CallerDigit,
    Clear,
    Ended,
    Mark,
    MarkHeard,
    Opening,
    Signal,
    SpeechEvent,
)
from ari_bridge.providers.speech.cushion import Cushion
from ari_bridge.providers.speech.twilio_stream import RATE_HZ, JsonObject, MalformedMessage, TwilioStream
from ari_bridge.providers.speech.twiml import LARGEST, NoStream, Stream, signature, stream_of
from ari_bridge.providers.vendor.http import HttpVendor, open_session
from ari_bridge.providers.vendor.keys import KeyOptions
from ari_bridge.providers.vendor.websocket import VendorSocket, connected

NAME = "bot"
"""What messages call the other side."""
_ENDED = (0, 1000, 1001, 1005)
"""Close codes by which a bot says that it is done; without one too, as simple bots do (RFC 6455, 7.4.1)."""


class TwilioOptions(KeyOptions):
    api_key_env: str = "TWILIO_AUTH_TOKEN"
    """The auth token that requests are signed with, for bots that check X-Twilio-Signature; unsigned without
    one."""
    url: str = ""
    """Of the bot's WebSocket: wss://host/path."""
    webhook: str = ""
    """Of the bot's voice webhook instead, which answers TwiML with <Connect><Stream>."""
    account_sid: Annotated[str, Field(pattern=r"^AC[0-9a-f]{32}$")] = "AC" + "0" * 32
    parameters: dict[str, str] = Field(default_factory=dict)
    """What the bot gets as customParameters; {caller_number}, {did} and {call_id} are filled in."""

    @field_validator("url")
    @classmethod
    def _is_websocket(cls, url: str) -> str:
        if url and not url.startswith(("ws://", "wss://")):
            raise ValueError("must begin with wss:// or ws://")
        return url

    @field_validator("webhook")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// or http://")
        return url

    @model_validator(mode="after")
    def _one_address(self) -> TwilioOptions:
        if bool(self.url) == bool(self.webhook):
            raise ValueError("url: set it or webhook, one of them")
        return self


class TwilioMediaStreams:
    """A `SpeechToSpeech`."""

    def __init__(self, options: TwilioOptions) -> None:
        self._options = options
        self._token = options.key(needed=False).get_secret_value()
        self._session: aiohttp.ClientSession | None = None

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            can_be_asked=False, tells_of_caller=False, decides_interruptions=True, tells_ends=False
        )

    @asynccontextmanager
    async def converse(self, opening: Opening) -> AsyncGenerator[_Session, None]:
        """Raises ProviderError."""
        if self._session is None:
            self._session = open_session()
        parameters = {name: _filled(value, opening) for name, value in self._options.parameters.items()}
        stream = TwilioStream(opening.call_id, self._options.account_sid, parameters)
        async with AsyncExitStack() as stack:
            url = self._options.url
            if self._options.webhook:
                where = await self._ask_webhook(opening, stream.call_sid)
                url = where.url
                stream = TwilioStream(
                    opening.call_id, self._options.account_sid, {**where.parameters, **parameters}
                )
            socket = await stack.enter_async_context(
                connected(self._session, NAME, url, headers=self._signed(url, {}), ping_s=None)
            )
            session = _Session(socket, stream, opening.rate_hz)
            await session.open()
            try:
                yield session
            finally:
                await session.stop()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _ask_webhook(self, opening: Opening, call_sid: str) -> Stream:
        url = self._options.webhook
        form = {
            "CallSid": call_sid,
            "AccountSid": self._options.account_sid,
            "From": opening.caller_number,
            "To": opening.did,
            "CallStatus": "ringing",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
        }
        vendor = HttpVendor(NAME, url, {})
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded", **self._signed(url, form)}
            async with vendor.request("POST", "", data=urlencode(form).encode(), headers=headers) as answer:
                body = await answer.content.read(LARGEST + 1)
        finally:
            await vendor.close()
        try:
            return stream_of(body.decode("utf-8", "replace"))
        except NoStream as error:
            raise ProviderError(f"{NAME}: its webhook's answer: {error}", retryable=False) from None

    def _signed(self, url: str, form: Mapping[str, str]) -> dict[str, str]:
        return {"X-Twilio-Signature": signature(self._token, url, form)} if self._token else {}


class _Session:
    def __init__(self, socket: VendorSocket, stream: TwilioStream, rate_hz: int) -> None:
        self._socket, self._stream = socket, stream
        self._cushion = Cushion(rate_hz)
        self._to_bot, self._from_bot = Resampler(rate_hz, RATE_HZ), Resampler(RATE_HZ, rate_hz)

    async def open(self) -> None:
        for message in self._stream.opening():
            await self._socket.send_json(message)

    async def stop(self) -> None:
        try:
            await self._socket.send_json(self._stream.stop())
        except ProviderError:
            return  # it is gone, which is what was to be told

    async def events(self) -> AsyncGenerator[SpeechEvent, None]:
        clock = asyncio.get_running_loop().time
        item = ""
        while True:
            try:
                async with asyncio.timeout_at(self._cushion.due_s):
                    message = await self._received()
            except TimeoutError:
                if (held := self._cushion.release(clock())) is not None:
                    yield AgentAudio(item, held)
                continue
            event = Ended() if message is None else self._understood(message)
            if isinstance(event, AgentAudio):
                item = event.item
                passed = self._cushion.add(self._from_bot.process(event.pcm), clock())
            elif isinstance(event, Clear):
                self._cushion.clear(clock())
                passed = None
            else:
                passed = self._cushion.release(clock())
            if passed is not None:
                yield AgentAudio(item, passed)
            if event is not None and not isinstance(event, AgentAudio):
                yield event
            if message is None:
                return

    def _understood(self, message: JsonObject) -> AgentAudio | Mark | Clear | None:
        try:
            return self._stream.understand(message)
        except MalformedMessage as error:
            raise ProviderError(f"{NAME}: sent nonsense: {error}", retryable=True) from None

    async def _received(self) -> JsonObject | None:
        """None when the bot has ended the stream."""
        while True:
            try:
                message = await self._socket.receive()
            except ProviderError:
                if self._socket.close_code in _ENDED:
                    return None
                raise
            if not isinstance(message, bytes):
                return message

    async def send(self, signal: Signal) -> None:
        match signal:
            case CallerAudio(pcm):
                messages = self._stream.media(self._to_bot.process(pcm))
            case CallerDigit(digit):
                messages = [self._stream.dtmf(digit)]
            case MarkHeard(name):
                messages = [self._stream.mark(name)]
            case _:
                return
        for message in messages:
            try:
                await self._socket.send_json(message)
            except ProviderError:
                if self._socket.close_code not in _ENDED:
                    raise
                return  # `events` tells of the end


def _filled(value: str, opening: Opening) -> str:
    return (
        value.replace("{caller_number}", opening.caller_number)
        .replace("{did}", opening.did)
        .replace("{call_id}", opening.call_id)
    )


PROVIDER = Provider(
    name="twilio-media-streams",
    kind=Kind.SPEECH,
    options=TwilioOptions,
    build=TwilioMediaStreams,
    summary="a bot that answers Twilio Media Streams (pipecat, your own), unchanged",
)
