"""The part of ARI that a call needs, typed, on top of aioari and our own transport.

aioari learns the operations from the PBX's own api-docs, so what a version of Asterisk lacks is known
before it is asked for. Every method raises AsteriskUnreachable, AsteriskRefused or RequestFailed; the
channel's or bridge's end shows as Gone (a RequestFailed), whatever status Asterisk gives it:

    404                     any channel or bridge operation
    409                     the channel is no longer in a Stasis application
    400 "Channel not found" addChannel

Deleting what is gone already is success.

A request whose connection breaks before its answer is asked again, twice: most bring about a state, and may
do so twice. What makes a channel does so under an id of ours, and is asked again where there is none yet.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aioari.client
import aiohttp
from aioswagger11 import SwaggerError

from ari_bridge.core.errors import (
    AsteriskError,
    AsteriskUnreachable,
    ConnectionBroke,
    Gone,
    RequestFailed,
)
from ari_bridge.pbx import formats
from ari_bridge.pbx.events import WANTED, Channel, parse_channel
from ari_bridge.pbx.transport import AriTransport, Response
from ari_bridge.pbx.variables import NATIVE_FORMAT
from ari_bridge.settings import AsteriskSettings

_PLACE = re.compile(r"[A-Za-z0-9_.*#+-]+")
"""Contexts and extensions that may be written into a dialplan function."""


KNOCK_WITHIN_S = 1.0
"""While the way to the PBX is dead, this decides how soon the next try can be."""
ASK_AGAIN_AFTER_S = (0.05, 0.25)

_ONCE_ONLY = frozenset({"externalMedia", "originate", "snoopChannelWithId", "record", "sendDTMF"})
"""Operations that do a thing rather than bring about a state: twice is not the same as once."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A media leg: `peer` is where Asterisk sends its RTP from and listens for ours."""

    channel_id: str
    peer: tuple[str, int]
    format: str
    """What it speaks, which is not always what was asked for (`formats.NOT_EVERYWHERE`)."""


class AriClient:
    """Use as `async with AriClient(settings.asterisk) as client`."""

    def __init__(self, settings: AsteriskSettings) -> None:
        self._settings = settings
        self._base = settings.url
        self.app = settings.app

    async def __aenter__(self) -> AriClient:
        """Reads the PBX's api-docs. Raises AsteriskError, one line, when there is no usable ARI."""
        self._transport = AriTransport(self._settings)
        try:
            self._ari: Any = aioari.client.Client(f"{self._base}/", self._transport)
            await self._ari.init()
        except RequestFailed as error:
            await self._transport.close()
            raise _no_ari(self._base, error) from None
        except (SwaggerError, ValueError, KeyError, TypeError):
            await self._transport.close()
            raise AsteriskUnreachable(f"asterisk.url: what answers at {self._base}/ari is not ARI") from None
        except BaseException:
            await self._transport.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    # -------------------------------------------------------------- application

    async def knock(self) -> None:
        """Find out quickly whether anybody is there. A PBX that stands still takes connections and
        requests, and works them off when it goes on: an events WebSocket asked for meanwhile, and given up,
        would then take the application away from one that was opened later."""
        url = f"{self._base}/ari/asterisk/info"
        await self._transport.request("GET", url, {"only": "status"}, timeout_s=KNOCK_WITHIN_S)

    async def open_events(self) -> aiohttp.ClientWebSocketResponse:
        """The events WebSocket: from its opening on, calls to our application come to us."""
        socket: aiohttp.ClientWebSocketResponse = await self._operation("events", "eventWebsocket")(
            app=self.app
        )
        return socket

    async def filter_events(self) -> None:
        """Ask for no event but those we read. It is a write, so a read_only user is found out here.

        Not through aioari: the body is the filter itself, which aioswagger11 would wrap once more.
        """
        body = json.dumps({"allowed": [{"type": name} for name in WANTED]})
        await self._transport.request(
            "PUT",
            f"{self._base}/ari/applications/{self.app}/eventFilter",
            data=body,
            headers={"Content-Type": "application/json"},
        )

    def renew(self) -> None:
        """Let new requests use new connections only."""
        self._transport.renew()

    async def channels_in_app(self) -> frozenset[str]:
        """The ids of the channels that are in our application; none while nobody has registered it."""
        try:
            answer = await self._call("applications", "get", applicationName=self.app)
        except RequestFailed as error:
            if error.status == 404:
                return frozenset()
            raise
        return frozenset(str(item) for item in answer.get("channel_ids", ()))

    async def module_running(self, module: str) -> bool:
        try:
            answer = await self._call("asterisk", "getModule", moduleName=module)
        except RequestFailed as error:
            if error.status in (404, 409):
                return False
            raise
        return bool(answer.get("status") == "Running")

    # -------------------------------------------------------------- channels

    async def channels(self) -> list[Channel]:
        return [parse_channel(item) for item in await self._call("channels", "list")]

    async def answer(self, channel_id: str) -> None:
        await self._call("channels", "answer", channelId=channel_id)

    async def external_media(
        self, leg_id: str, *, external_host: tuple[str, int], format: str, call_id: str
    ) -> Leg:
        """A channel that sends and receives plain RTP in `format` at `external_host`.

        It is in our application only once its own StasisStart has come, with `call_id` as argument where
        Asterisk passes it on.
        """
        host, port = external_host
        try:
            answer = await self.make_channel(
                "externalMedia",
                leg_id,
                app=self.app,
                external_host=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                format=format,
                encapsulation="rtp",
                transport="udp",
                connection_type="client",
                direction="both",
                **self._if_known("channels", "externalMedia", data=call_id),
            )
        except RequestFailed as error:
            if error.status != 500:
                raise
            raise RequestFailed(  # Asterisk says nothing but 500 for each of these
                f"externalMedia of {format} to {host}:{port}: Asterisk answered a bare 500: does it know the"
                f" format {format} (media.format), has it chan_rtp.so and a free port of rtp.conf, and can it"
                " resolve media.advertise_host?",
                status=500,
            ) from None
        told = answer.get("channelvars") or {}
        address, local_port = [
            str(told.get(name) or await self.get_variable(leg_id, name))
            for name in ("UNICASTRTP_LOCAL_ADDRESS", "UNICASTRTP_LOCAL_PORT")
        ]
        if not address or not local_port.isdecimal():
            raise RequestFailed(
                "externalMedia: Asterisk does not tell its RTP address (UNICASTRTP_LOCAL_ADDRESS)", status=200
            )
        made = ""
        if format in formats.NOT_EVERYWHERE:
            made = formats.first_format(await self.get_variable(leg_id, NATIVE_FORMAT))
        return Leg(leg_id, (address, int(local_port)), made or format)

    async def get_variable(self, channel_id: str, name: str) -> str:
        """A channel variable or dialplan function; "" when unset."""
        try:
            answer = await self._call("channels", "getChannelVar", channelId=channel_id, variable=name)
        except Gone as error:
            if "variable was not found" in str(error):
                return ""
            raise
        value = answer.get("value")
        return value if isinstance(value, str) else ""

    async def get_variables(self, channel_id: str, names: Iterable[str]) -> dict[str, str]:
        """Those of the variables that are set.

        One request each, at once: /variables (new in 22) fails whole when one of them is unset.
        """
        wanted = list(names)
        values = await asyncio.gather(
            *(self.get_variable(channel_id, name) for name in wanted), return_exceptions=True
        )
        found = {}
        for name, value in zip(wanted, values, strict=True):
            if isinstance(value, BaseException):
                raise value
            if value:
                found[name] = value
        return found

    async def set_variables(self, channel_id: str, variables: Mapping[str, str]) -> None:
        if not variables:
            return
        if self.knows("channels", "setChannelVars"):
            await self._call("channels", "setChannelVars", channelId=channel_id, variables=dict(variables))
            return
        answers = await asyncio.gather(
            *(
                self._call("channels", "setChannelVar", channelId=channel_id, variable=name, value=value)
                for name, value in variables.items()
            ),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def make_channel(self, operation: str, channel_id: str, **arguments: object) -> Any:
        """What Asterisk tells of the channel that the operation makes."""
        for pause_s in ASK_AGAIN_AFTER_S:
            try:
                return await self._call("channels", operation, channelId=channel_id, **arguments)
            except ConnectionBroke:
                await asyncio.sleep(pause_s)
            try:
                return await self._call("channels", "get", channelId=channel_id)
            except Gone:
                continue  # it was not made
        return await self._call("channels", operation, channelId=channel_id, **arguments)

    async def set_secret(self, channel_id: str, name: str, value: str) -> None:
        """A variable whose value must not be seen: in a body, since a query string ends up in logs, and not
        through aioari, which logs bodies too."""
        await self._transport.request(
            "POST",
            f"{self._base}/ari/channels/{quote(channel_id, safe='')}/variable",
            data=json.dumps({"variable": name, "value": value}),
            headers={"Content-Type": "application/json"},
        )

    async def continue_in_dialplan(
        self, channel_id: str, *, context: str = "", exten: str = "", priority: int = 1
    ) -> None:
        """Out of Stasis: to the place named, or to what follows Stasis() when no context is given."""
        place = {"context": context, "extension": exten or "s", "priority": priority} if context else {}
        await self._call("channels", "continueInDialplan", channelId=channel_id, **place)

    async def dialplan_has(self, channel_id: str, context: str, exten: str, priority: int) -> bool:
        """Whether the dialplan has this place. Asks func_dialplan.so, which must be loaded."""
        if not (_PLACE.fullmatch(context) and _PLACE.fullmatch(exten)):
            return False
        answer = await self.get_variable(channel_id, f"DIALPLAN_EXISTS({context},{exten},{priority})")
        return answer != "0"

    async def hang_up(self, channel_id: str) -> None:
        await self._delete("channels", "hangup", channelId=channel_id)

    # -------------------------------------------------------------- bridges

    async def bridges(self) -> dict[str, frozenset[str]]:
        """All bridges: id -> ids of the channels in it."""
        return {
            item["id"]: frozenset(item.get("channels", ())) for item in await self._call("bridges", "list")
        }

    async def create_bridge(self, bridge_id: str) -> None:
        await self._call("bridges", "createWithId", bridgeId=bridge_id, type="mixing", name=bridge_id)

    async def add_channels(self, bridge_id: str, channel_ids: Iterable[str]) -> None:
        try:
            await self._call("bridges", "addChannel", bridgeId=bridge_id, channel=list(channel_ids))
        except RequestFailed as error:
            if error.status == 400 and "not found" in str(error):
                raise Gone(str(error), status=400) from None
            raise

    async def delete_bridge(self, bridge_id: str) -> None:
        await self._delete("bridges", "destroy", bridgeId=bridge_id)

    # -------------------------------------------------------------- through aioari

    def knows(self, resource: str, operation: str, parameter: str = "") -> bool:
        """Whether this PBX's api-docs have the operation, with this parameter if one is named."""
        found = self._ari.swagger.get_resource(resource)
        known = found and found.get_operation(operation)
        if known is None:
            return False
        return not parameter or any(one["name"] == parameter for one in known.json.get("parameters", ()))

    def _if_known(self, resource: str, operation: str, **optional: object) -> dict[str, object]:
        """Those of the arguments that this PBX takes."""
        return {name: value for name, value in optional.items() if self.knows(resource, operation, name)}

    def _operation(self, resource: str, operation: str) -> Any:
        if not self.knows(resource, operation):
            raise AsteriskError(
                f"asterisk.url: this Asterisk's ARI has no {resource}.{operation}; ari_bridge needs 16.28 or"
                " later with all res_ari_*.so modules"
            )
        return self._ari.swagger.get_resource(resource).get_operation(operation)

    async def call(self, resource: str, operation: str, **arguments: object) -> Any:
        """Any other operation of this PBX's api-docs; raises AsteriskError when it has no such."""
        return await self._call(resource, operation, **arguments)

    async def _call(self, resource: str, operation: str, **arguments: object) -> Any:
        """The answer's JSON, None where it has no body."""
        try:
            response = await self._insist(resource, operation, arguments)
        except RequestFailed as error:
            if error.status in (404, 409) and _is_about_something(operation, arguments):
                raise Gone(str(error), status=error.status) from None
            raise
        try:
            return json.loads(response.body) if response.body else None
        except ValueError:
            raise RequestFailed(
                f"{resource}.{operation}: the answer is not JSON", status=response.status
            ) from None

    async def _insist(self, resource: str, operation: str, arguments: Mapping[str, object]) -> Response:
        """The answer, though a connection break."""
        ask = self._operation(resource, operation)
        for pause_s in () if operation in _ONCE_ONLY else ASK_AGAIN_AFTER_S:
            try:
                answer: Response = await ask(**arguments)
                return answer
            except ConnectionBroke:
                await asyncio.sleep(pause_s)
        last: Response = await ask(**arguments)
        return last

    async def _delete(self, resource: str, operation: str, **arguments: object) -> None:
        try:
            await self._call(resource, operation, **arguments)
        except Gone:
            return


def _is_about_something(operation: str, arguments: Mapping[str, object]) -> bool:
    """Whether the operation is on a channel, bridge or recording that should be there already."""
    makes = operation in ("externalMedia", "createWithId", "originate")
    return not makes and not {"channelId", "bridgeId", "recordingName"}.isdisjoint(arguments)


def _no_ari(base: str, error: RequestFailed) -> AsteriskError:
    if error.status == 0:
        return AsteriskUnreachable(f"asterisk.url: {base} takes connections but does not answer: {error}")
    if error.status == 404:
        return AsteriskUnreachable(
            f"asterisk.url: {base} answers, but has no /ari: load res_ari.so and res_ari_*.so, set"
            " enabled=yes in ari.conf, and mind the prefix in http.conf"
        )
    return AsteriskUnreachable(f"asterisk.url: {base}/ari does not work: {error}")
