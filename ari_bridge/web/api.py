"""Call control over HTTP: the verbs of `ari_bridge/actions/` on live calls, and calls to be placed.

    GET  /calls                     the calls that are up
    POST /calls                     {"outbound": NAME, "number": "+49…", "context": "…", "greeting": "…"}
    GET  /calls/CALL_ID             {"state": "placed" | "up" | "ended", "status": …, "cause": …}
    POST /calls/CALL_ID/VERB        the verb's arguments as a JSON object

Every request carries `Authorization: Bearer TOKEN`. Answers are JSON objects; an error's has the key `error`.
A verb's answer comes when it is done: an attended transfer's after somebody has taken the call or not.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from ari_bridge.core.errors import AsteriskError, NotReady, SettingsError
from ari_bridge.settings import WebSettings
from ari_bridge.switchboard import NoSuchCall, NoSuchVerb, Refused, Switchboard

BODY_MAX = 64 * 1024

_ABOUT = {"context": "AI_CONTEXT", "greeting": "AI_GREETING"}
"""What may be said of a placed call, and the channel variable that carries it."""


@asynccontextmanager
async def serving(settings: WebSettings, board: Switchboard) -> AsyncIterator[tuple[str, int]]:
    """The API, on the address that is yielded. Raises SettingsError: no token, or the port is taken."""
    app = web.Application(middlewares=[_guard(settings.secret())], client_max_size=BODY_MAX)
    api = _Api(board)
    app.router.add_get("/calls", api.list)
    app.router.add_post("/calls", api.place)
    app.router.add_get("/calls/{call_id}", api.state)
    app.router.add_post("/calls/{call_id}/{verb}", api.act)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        await _listen(runner, settings)
        host, port = runner.addresses[0][:2]
        yield host, port
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: WebSettings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as error:
        raise SettingsError(
            f"web.port: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None


def _guard(secret: str) -> Any:
    expected = f"Bearer {secret}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            return _error(401, "Authorization: Bearer TOKEN is needed; the token stands in web.token_file")
        try:
            return await handler(request)
        except (NoSuchCall, NoSuchVerb) as error:
            return _error(404, str(error))
        except (Refused, _BadBody) as error:
            return _error(400, str(error))
        except NotReady as error:
            return _error(503, str(error))
        except AsteriskError as error:
            return _error(502, str(error))

    return guard


class _BadBody(Exception):
    pass


class _Api:
    def __init__(self, board: Switchboard) -> None:
        self._board = board

    async def list(self, request: web.Request) -> web.Response:
        calls = [
            {"call_id": info.call_id, "agent": info.agent, "did": info.did, "caller": info.caller_number}
            for info in self._board.calls
        ]
        return web.json_response({"calls": calls})

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(asdict(self._board.state(request.match_info["call_id"])))

    async def place(self, request: web.Request) -> web.Response:
        body = await _body(request)
        variables = {
            variable: str(body[key])
            for key, variable in _ABOUT.items()
            if isinstance(body.get(key), str) and body[key].isprintable()
        }
        call_id = await self._board.place(
            str(body.get("outbound", "")), str(body.get("number", "")), variables
        )
        return web.json_response({"call_id": call_id}, status=202)

    async def act(self, request: web.Request) -> web.Response:
        verb, call_id = request.match_info["verb"], request.match_info["call_id"]
        result = await self._board.act(call_id, verb, await _body(request))
        return web.json_response({"result": result})


async def _body(request: web.Request) -> Mapping[str, Any]:
    """{} where there is none."""
    text = await request.text()
    try:
        body = json.loads(text) if text.strip() else {}
    except ValueError:
        raise _BadBody("the body is no JSON") from None
    if not isinstance(body, dict):
        raise _BadBody("the body is no JSON object")
    return body


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
