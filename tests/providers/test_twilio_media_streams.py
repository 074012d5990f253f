"""Our side of Twilio Media Streams, before a server that speaks the bot's side."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind
from ari_bridge.providers.registry import build
from ari_bridge.providers.speech.base import (
    AgentAudio,
    CallerAudio,
    CallerDigit,
    Clear,
    Ended,
    Mark,
    MarkHeard,
    Opening,
    SpeechSession,
    SpeechToSpeech,
)
from ari_bridge.providers.speech.twiml import signature
from tests.providers.vendor.servers import serving

TOKEN = "0123456789abcdef0123456789abcdef"
OPENING = Opening(16000, "en", "", (), (), "call-1", "+4930123456", "5000")
SOUND = base64.b64encode(bytes(range(160))).decode()


class Bot:
    """Notes what it gets; says what it is told to at the start."""

    def __init__(self, *says: dict[str, Any], ends: bool = False) -> None:
        self.says, self.ends = says, ends
        self.got: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.is_over = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers = dict(request.headers)
        if request.path == "/voice":
            form = {name: str(value) for name, value in (await request.post()).items()}
            self.got.append({"event": "webhook", "form": form})
            url = f"ws://{request.host}/ws"
            stream = f'<Stream url="{url}"><Parameter name="agent" value="night"/></Stream>'
            return web.Response(text=f"<Response><Connect>{stream}</Connect></Response>")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for message in self.says:
            await socket.send_json(message)
        if self.ends:
            await socket.close()
        async for message in socket:
            self.got.append(message.json())
        self.is_over.set()
        return socket

    def named(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.got if message["event"] == event]


def converse(
    bot: Callable[[], Bot],
    use: Callable[[SpeechSession], Awaitable[None]],
    address: str = "url",
    **options: Any,
) -> Bot:
    async def main() -> Bot:
        answering = bot()
        async with serving(answering.handle) as base:
            where = (
                {"url": base.replace("http", "ws") + "/ws"}
                if address == "url"
                else {"webhook": f"{base}/voice"}
            )
            engine = build("twilio-media-streams", Kind.SPEECH, {**where, **options}, table="providers.bot")
            try:
                async with asyncio.timeout(10), engine.converse(OPENING) as session:
                    await use(session)
                async with asyncio.timeout(5):
                    await answering.is_over.wait()
            finally:
                await engine.close()
        return answering

    return asyncio.run(main())


def twilio(options: Mapping[str, object]) -> SpeechToSpeech:
    engine: SpeechToSpeech = build("twilio-media-streams", Kind.SPEECH, options, table="providers.bot")
    return engine


async def _nothing(session: SpeechSession) -> None:
    pass


def test_the_caller_reaches_the_bot_and_the_end_is_told() -> None:
    async def use(session: SpeechSession) -> None:
        await session.send(CallerAudio(np.zeros(3200, np.int16)))  # 0.2 s at 16 kHz
        await session.send(CallerDigit("5"))
        await session.send(MarkHeard("greeted"))

    bot = converse(Bot, use, parameters={"from": "{caller_number}", "line": "{did}"})
    assert [message["event"] for message in bot.got] == [
        "connected",
        "start",
        *["media"] * 10,
        "dtmf",
        "mark",
        "stop",
    ]
    assert bot.named("start")[0]["start"]["customParameters"] == {"from": "+4930123456", "line": "5000"}
    assert bot.named("dtmf")[0]["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert bot.named("mark")[0]["mark"] == {"name": "greeted"}


def test_the_bot_reaches_the_caller_and_ends_the_stream() -> None:
    says = (
        {"event": "media", "media": {"payload": SOUND}},
        {"event": "mark", "mark": {"name": "greeted"}},
        {"event": "clear"},
    )
    heard: list[object] = []

    async def use(session: SpeechSession) -> None:
        heard.extend([event async for event in session.events()])
        await session.send(CallerAudio(np.zeros(320, np.int16)))  # on its way when the bot closed

    converse(lambda: Bot(*says, ends=True), use)
    assert isinstance(heard[0], AgentAudio)
    assert len(heard[0].pcm) == 320  # 20 ms at the call's rate
    assert heard[1:] == [Mark("greeted"), Clear(), Ended()]


def test_requests_are_signed_where_there_is_a_token(tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    bot = converse(Bot, _nothing, api_key_file=str(file))
    url = f"ws://{bot.headers['Host']}/ws"
    assert bot.headers["X-Twilio-Signature"] == signature(TOKEN, url, {})


def test_a_webhook_leads_to_the_stream() -> None:
    bot = converse(Bot, _nothing, address="webhook", parameters={"line": "{did}"})
    form = bot.named("webhook")[0]["form"]
    assert (form["From"], form["To"], form["Direction"]) == ("+4930123456", "5000", "inbound")
    start = bot.named("start")[0]["start"]
    assert start["callSid"] == form["CallSid"]
    assert start["customParameters"] == {"agent": "night", "line": "5000"}


def test_nonsense_is_a_provider_error() -> None:
    async def use(session: SpeechSession) -> None:
        with pytest.raises(ProviderError, match=r"bot: sent nonsense: media\.payload"):
            await anext(session.events())  # type: ignore[call-overload]

    converse(lambda: Bot({"event": "media", "media": {"payload": "?"}}), use)


def test_a_bot_that_is_not_there_is_a_provider_error() -> None:
    async def main() -> None:
        engine = build(
            "twilio-media-streams", Kind.SPEECH, {"url": "ws://127.0.0.1:1/"}, table="providers.bot"
        )
        with pytest.raises(ProviderError, match="bot: cannot be reached"):
            async with engine.converse(OPENING):
                pass
        await engine.close()

    asyncio.run(main())


@pytest.mark.parametrize("options", [{}, {"url": "https://b"}, {"url": "ws://b", "webhook": "https://b"}])
def test_an_address_is_needed_and_only_one(options: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"providers\.bot"):
        twilio(options)
