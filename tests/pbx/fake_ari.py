"""An ARI server on loopback that does what it is told, when it is told: for what no real PBX does on cue.

It keeps channels and bridges, answers with Asterisk's statuses, and serves api-docs for the operations it
knows. `on[operation]` wraps an operation: it may delay it, refuse it, do other things first, or lose the
answer. Operations go by their api-docs nicknames.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web

USER, PASSWORD = "ari_bridge", "p:w/+&=?"
APP = "ari_bridge"

MODULES = ("chan_rtp.so", "codec_ulaw.so", "codec_alaw.so", "codec_resample.so", "func_dialplan.so")

Do = Callable[[], Awaitable[web.Response]]
Hook = Callable[[Do], Awaitable[web.Response]]

_CHANNEL, _BRIDGE = "/channels/{channelId}", "/bridges/{bridgeId}"

OPERATIONS: Mapping[str, tuple[str, str, str, tuple[str, ...], tuple[str, ...]]] = {
    # nickname: (resource, method, path, query parameters, body parameters)
    "getInfo": ("asterisk", "GET", "/asterisk/info", ("only",), ()),
    "getApplication": ("applications", "GET", "/applications/{applicationName}", (), ()),
    "unsubscribe": (
        "applications", "DELETE", "/applications/{applicationName}/subscription", ("eventSource",), (),
    ),
    "getModule": ("asterisk", "GET", "/asterisk/modules/{moduleName}", (), ()),
    "list": ("channels", "GET", "/channels", (), ()),
    "listBridges": ("bridges", "GET", "/bridges", (), ()),
    "getChannel": ("channels", "GET", _CHANNEL, (), ()),
    "answer": ("channels", "POST", f"{_CHANNEL}/answer", (), ()),
    "externalMedia": (
        "channels",
        "POST",
        "/channels/externalMedia",
        (
            "channelId", "app", "external_host", "encapsulation", "transport", "connection_type", "format",
            "direction", "data",
        ),
        (),
    ),
    "getChannelVar": ("channels", "GET", f"{_CHANNEL}/variable", ("variable",), ()),
    "setChannelVar": ("channels", "POST", f"{_CHANNEL}/variable", ("variable", "value"), ()),
    "setChannelVars": ("channels", "POST", f"{_CHANNEL}/variables", (), ("variables",)),
    "continueInDialplan": (
        "channels", "POST", f"{_CHANNEL}/continue", ("context", "extension", "priority"), (),
    ),
    "hangup": ("channels", "DELETE", _CHANNEL, (), ()),
    "createWithId": ("bridges", "POST", _BRIDGE, ("type", "name"), ()),
    "addChannel": ("bridges", "POST", f"{_BRIDGE}/addChannel", ("channel", "mute"), ()),
    "destroy": ("bridges", "DELETE", _BRIDGE, (), ()),
    "originate": (
        "channels", "POST", "/channels",
        (
            "endpoint", "channelId", "app", "appArgs", "timeout", "callerId", "originator", "context",
            "extension", "priority",
        ),
        ("variables",),
    ),
    "startMoh": ("channels", "POST", f"{_CHANNEL}/moh", ("mohClass",), ()),
    "stopMoh": ("channels", "DELETE", f"{_CHANNEL}/moh", (), ()),
    "mute": ("channels", "POST", f"{_CHANNEL}/mute", ("direction",), ()),
    "unmute": ("channels", "DELETE", f"{_CHANNEL}/mute", ("direction",), ()),
    "snoopChannelWithId": (
        "channels", "POST", f"{_CHANNEL}/snoop/{{snoopId}}", ("spy", "whisper", "app"), (),
    ),
    "removeChannel": ("bridges", "POST", f"{_BRIDGE}/removeChannel", ("channel",), ()),
    "eventWebsocket": ("events", "GET", "/events", ("app",), ()),
}  # fmt: skip


@dataclass
class FakeChannel:
    id: str
    variables: dict[str, str] = field(default_factory=dict)
    in_stasis: bool = True
    exten: str = "5000"
    answered: bool = False
    music: bool = False
    muted: bool = False
    app_args: str = ""
    """Of who was rung for our application."""
    app_data: str = f"{APP},agent=demo"
    went_to: str | None = None
    """Where `continue` sent it: "" for what follows Stasis()."""


def refuse(status: int, message: str = "") -> web.Response:
    return web.json_response({"message": message}, status=status)


class FakeAri:
    """`async with FakeAri() as ari`, then point settings at `ari.url`."""

    def __init__(self, *, prefix: str = "", set_many: bool = True, tls: ssl.SSLContext | None = None) -> None:
        self.channels: dict[str, FakeChannel] = {}
        self.callers: list[FakeChannel] = []
        self.bridges: dict[str, list[str]] = {}
        self.modules = {
            "chan_rtp.so",
            "codec_ulaw.so",
            "codec_alaw.so",
            "codec_g722.so",
            "codec_opus.so",
            "codec_resample.so",
            "func_dialplan.so",
        }
        self.on: dict[str, Hook] = {}
        self.requests: list[web.Request] = []
        self.done: Counter[str] = Counter()
        self.sockets: list[web.WebSocketResponse] = []
        self.socket_opened = asyncio.Event()
        self.version = "22.10.1"
        self.status: int | None = None
        """Answer everything with this."""
        self.read_only = False
        self.deaf = False
        """Events are lost on their way."""
        self._prefix = prefix
        self._tls = tls
        self._operations = dict(OPERATIONS)
        if not set_many:
            del self._operations["setChannelVars"]
        self._ids = itertools.count(1)
        self._background: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeAri:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}{self._prefix}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drop_sockets()
        await self._runner.cleanup()

    # -------------------------------------------------------------- what a test does

    def forget(self, resource: str) -> None:
        """As if the module of this resource were not loaded."""
        self._operations = {name: entry for name, entry in self._operations.items() if entry[0] != resource}

    async def call(
        self, *args: str, native: str = "(ulaw)", variables: Mapping[str, str] | None = None
    ) -> FakeChannel:
        """A call comes into Stasis."""
        channel = FakeChannel(f"1700000000.{next(self._ids)}")
        channel.variables = {"CHANNEL(audionativeformat)": native, **(variables or {})}
        self.channels[channel.id] = channel
        self.callers.append(channel)
        await self.emit("StasisStart", channel, args=list(args))
        return channel

    async def hang_up(self, channel: FakeChannel, *, silently: bool = False) -> None:
        """`silently`: nobody hears of it."""
        if self.channels.pop(channel.id, None) is None:
            return
        for members in self.bridges.values():
            if channel.id in members:
                members.remove(channel.id)
        if channel.in_stasis and not silently:
            await self.emit("ChannelHangupRequest", channel)
            await self.emit("StasisEnd", channel)

    async def pick_up(self, channel: FakeChannel, *, silently: bool = False) -> None:
        """Who was rung answers."""
        channel.answered = channel.in_stasis = True
        channel.app_data = f"{APP},{channel.app_args}"
        if not silently:
            await self.emit("StasisStart", channel, args=channel.app_args.split(","))

    async def come_back(self, channel: FakeChannel, *args: str) -> None:
        """The dialplan sends it into Stasis once more."""
        channel.in_stasis = True
        channel.app_data = ",".join((APP, *args))
        await self.emit("StasisStart", channel, args=list(args))

    async def lose(self, channel: FakeChannel, cause: int) -> None:
        """Who was rung does not answer, or hangs up."""
        self.channels.pop(channel.id, None)
        await self.emit("ChannelDestroyed", channel, cause=cause)

    async def press(self, channel: FakeChannel, digit: str) -> None:
        await self.emit("ChannelDtmfReceived", channel, digit=digit, duration_ms=120)

    async def emit(self, type: str, channel: FakeChannel | None = None, **fields: Any) -> None:
        event = {"type": type, "application": APP, "asterisk_id": "x", **fields}
        if channel is not None:
            event["channel"] = _show(channel)
        for socket in () if self.deaf else self.sockets:
            await socket.send_str(json.dumps(event))

    async def drop_sockets(self) -> None:
        sockets, self.sockets = self.sockets, []
        self.socket_opened.clear()
        for socket in sockets:
            await socket.close()

    @property
    def legs(self) -> list[FakeChannel]:
        return [channel for channel in self.channels.values() if channel.id.endswith("-media")]

    # -------------------------------------------------------------- requests

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.status is not None:
            return refuse(self.status)
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {token}":
            return refuse(401)
        path = request.path.removeprefix(self._prefix).removeprefix("/ari")
        if path.startswith("/api-docs/"):
            return self._docs(path)
        if path.endswith("/eventFilter"):
            return refuse(403, "Write access denied") if self.read_only else web.json_response({})
        for name, (_, method, template, _, _) in self._operations.items():
            arguments = _match(template, path)
            if method != request.method or arguments is None or (name, path) == ("answer", "/channels"):
                continue
            if name == "eventWebsocket":
                return await self._events(request)
            return await self._run(name, {**arguments, **request.query}, request)
        return refuse(404)

    async def _run(self, name: str, arguments: dict[str, str], request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}

        async def do() -> web.Response:
            response = await self._effect(name, arguments, body)
            if response.status < 300:
                self.done[name] += 1
            return response

        hook = self.on.get(name)
        return await (hook(do) if hook is not None else do())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.socket_opened.set()
        async for _ in socket:
            pass
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def _effect(self, name: str, given: dict[str, str], body: dict[str, Any]) -> web.Response:
        match name:
            case "getModule":
                running = given["moduleName"] in self.modules
                return web.json_response({"status": "Running"}) if running else refuse(404, "not found")
            case "list":
                return web.json_response([_show(channel) for channel in self.channels.values()])
            case "listBridges":
                return web.json_response([{"id": id, "channels": ids} for id, ids in self.bridges.items()])
            case "getInfo":
                return web.json_response({"status": {}, "system": {"version": self.version}})
            case "unsubscribe":
                return web.json_response({"name": APP})
            case "getApplication":
                inside = [channel.id for channel in self.channels.values() if channel.in_stasis]
                return web.json_response({"name": APP, "channel_ids": inside})
            case "externalMedia":
                return await self._external_media(given)
            case "createWithId":
                self.bridges[given["bridgeId"]] = []
                return web.json_response({"id": given["bridgeId"]})
            case "originate":
                rung = self.channels[given["channelId"]] = FakeChannel(given["channelId"], in_stasis=False)
                rung.variables = body.get("variables", {}) | {"endpoint": given["endpoint"]}
                rung.app_args = given.get("appArgs", "")
                return web.json_response(_show(rung))
            case "addChannel" | "removeChannel" | "destroy" if given["bridgeId"] not in self.bridges:
                return refuse(404, "Bridge not found")
            case "destroy":
                del self.bridges[given["bridgeId"]]
                return web.Response(status=204)
            case "addChannel":
                wanted = given["channel"].split(",")
                if not all(channel in self.channels for channel in wanted):
                    return refuse(400, "Channel not found")
                self.bridges[given["bridgeId"]] += wanted
                return web.Response(status=204)
            case "removeChannel":
                self.bridges[given["bridgeId"]].remove(given["channel"])
                return web.Response(status=204)
        channel = self.channels.get(given["channelId"])
        if channel is None:
            return refuse(404, "Channel not found")
        if name == "getChannel":
            return web.json_response(_show(channel))
        if not channel.in_stasis and name != "hangup":
            return refuse(409, "Channel not in Stasis application")
        return await self._of_channel(name, channel, given, body)

    async def _of_channel(
        self, name: str, channel: FakeChannel, given: dict[str, str], body: dict[str, Any]
    ) -> web.Response:
        match name:
            case "answer":
                channel.answered = True
            case "mute" | "unmute":
                channel.muted = name == "mute"
            case "snoopChannelWithId":
                snoop = self.channels[given["snoopId"]] = FakeChannel(given["snoopId"], answered=True)
                await self.emit("StasisStart", snoop, args=[])
                return web.json_response(_show(snoop))
            case "startMoh" | "stopMoh":
                channel.music = name == "startMoh"
            case "getChannelVar":
                value = channel.variables.get(given["variable"])
                if value is None:
                    return refuse(404, "Provided variable was not found")
                return web.json_response({"value": value})
            case "setChannelVar":
                channel.variables[given["variable"]] = given["value"]
            case "setChannelVars":
                channel.variables |= body["variables"]
            case "hangup":
                await self.hang_up(channel)
            case "continueInDialplan":
                channel.in_stasis = False
                channel.went_to = ",".join(
                    given[key] for key in ("context", "extension", "priority") if key in given
                )
                await self.emit("StasisEnd", channel)
        return web.Response(status=204)

    async def _external_media(self, given: dict[str, str]) -> web.Response:
        if given["channelId"] in self.channels:
            return refuse(500, "An internal error prevented this request from being handled")
        leg = FakeChannel(given["channelId"])
        address = {"UNICASTRTP_LOCAL_ADDRESS": "127.0.0.1", "UNICASTRTP_LOCAL_PORT": "40000"}
        leg.variables = {"format": given["format"], "external_host": given["external_host"], **address}
        self.channels[leg.id] = leg
        await self.emit("StasisStart", leg, args=[given["data"]])
        return web.json_response({**_show(leg), "channelvars": address})

    def _docs(self, path: str) -> web.Response:
        resources = sorted({entry[0] for entry in self._operations.values()})
        base = "http://wrong-host.invalid:1/ari"  # as a PBX behind a proxy writes it
        if path == "/api-docs/resources.json":
            apis = [{"path": f"/api-docs/{name}.{{format}}", "description": ""} for name in resources]
            return web.json_response({"swaggerVersion": "1.1", "basePath": base, "apis": apis})
        resource = path.removeprefix("/api-docs/").removesuffix(".json")
        apis = [_swagger(name, *entry) for name, entry in self._operations.items() if entry[0] == resource]
        return web.json_response({"basePath": base, "resourcePath": "", "apis": apis, "models": {}})


def _swagger(
    name: str, _: str, method: str, path: str, query: tuple[str, ...], body: tuple[str, ...]
) -> dict[str, Any]:
    in_path = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [
        {"name": parameter, "paramType": kind, "dataType": "string", "required": kind == "path"}
        for kind, names in (("path", in_path), ("query", query), ("body", body))
        for parameter in names
    ]
    operation = {
        "httpMethod": method,
        "nickname": {"listBridges": "list", "getApplication": "get", "getChannel": "get"}.get(name, name),
        "responseClass": "object",
        "parameters": parameters,
    }
    if name == "eventWebsocket":
        operation["upgrade"] = "websocket"
    return {"path": path, "description": "", "operations": [operation]}


def _match(template: str, path: str) -> dict[str, str] | None:
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    arguments = {}
    for part, value in zip(wanted, given, strict=True):
        if part.startswith("{"):
            arguments[part[1:-1]] = value
        elif part != value:
            return None
    return arguments


def _show(channel: FakeChannel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": f"PJSIP/{channel.id}",
        "state": "Up" if channel.answered else "Ring",
        "caller": {"name": "A. Caller", "number": "100"},
        "dialplan": {
            "exten": channel.exten,
            "app_name": "Stasis" if channel.in_stasis else "Wait",
            "app_data": channel.app_data if channel.in_stasis else "1",
        },
    }
