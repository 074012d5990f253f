"""The HTTP API: who may, what is known, and that bad requests are answered in one line."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ari_bridge.core.errors import NotReady, SettingsError
from ari_bridge.pbx.call import CallInfo
from ari_bridge.settings import OutboundSettings, WebSettings
from ari_bridge.switchboard import Switchboard
from ari_bridge.web import api

TOKEN = "a-long-secret"


class Conversation:
    verbs: Collection[str] = ("hold", "mute")

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def act(self, verb: str, arguments: Mapping[str, Any]) -> str:
        self.asked.append((verb, arguments))
        return "Done."


async def _place(name: str, number: str, variables: Mapping[str, str]) -> str:
    if not number.isdecimal():
        raise ValueError("number: digits only")
    if number == "112":
        raise NotReady("no call can be placed now: draining")
    return f"{name}-{number}{'-'.join(variables.values())}"


@asynccontextmanager
async def client(
    token: str = TOKEN, board: Switchboard | None = None
) -> AsyncIterator[tuple[aiohttp.ClientSession, Conversation]]:
    board, conversation = board or Switchboard(), Conversation()
    outbound = {"sales": OutboundSettings(endpoint="PJSIP/{number}@trunk", agent="sales")}
    settings = WebSettings.model_validate({"port": 0, "token": TOKEN})
    info = CallInfo("c1", "ch1", "sales", "100", "200", "Ann")
    async with api.serving(settings, board) as (host, port):
        with board.connected(info, conversation), board.placing_calls(outbound, _place):
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(f"http://{host}:{port}", headers=headers) as session:
                yield session, conversation


def test_a_verb_is_passed_on_with_its_arguments(run: Any) -> None:
    async def main() -> None:
        async with client() as (session, conversation):
            async with session.get("/calls") as answer:
                assert [call["call_id"] for call in (await answer.json())["calls"]] == ["c1"]
            async with session.post("/calls/c1/hold", json={"seconds": 3}) as answer:
                assert (answer.status, await answer.json()) == (200, {"result": "Done."})
            async with session.post("/calls/c1/mute") as answer:
                assert answer.status == 200
            assert conversation.asked == [("hold", {"seconds": 3}), ("mute", {})]

    run(main())


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        ("/calls/c2/hold", "{}", 404, "c2"),
        ("/calls/c1/explode", "{}", 404, "hold, mute"),
        ("/calls/c1/hold", "[]", 400, "object"),
        ("/calls/c1/hold", "{", 400, "JSON"),
        ("/calls", '{"outbound": "nobody", "number": "123"}', 400, "nobody"),
        ("/calls", '{"outbound": "sales", "number": "1&Local/x"}', 400, "number"),
        ("/calls", '{"outbound": "sales", "number": "112"}', 503, "draining"),
    ],
)
def test_what_cannot_be_done_is_said(run: Any, path: str, body: str, status: int, word: str) -> None:
    async def main() -> None:
        async with client() as (session, conversation), session.post(path, data=body) as answer:
            assert answer.status == status
            assert word in (await answer.json())["error"]
            assert conversation.asked == []

    run(main())


def test_a_call_is_placed_and_what_became_of_it_can_be_asked(run: Any) -> None:
    async def main() -> None:
        body = {"outbound": "sales", "number": "4930", "context": "Order7", "other": "x"}
        board = Switchboard()
        async with client(board=board) as (session, _):

            async def state(call_id: str) -> list[str]:
                async with session.get(f"/calls/{call_id}") as answer:
                    return list((await answer.json()).values())

            async with session.post("/calls", json=body) as answer:
                assert answer.status == 202
                call_id = (await answer.json())["call_id"]
            assert call_id == "sales-4930Order7"
            assert await state(call_id) == ["placed", "", ""]
            board.ended(call_id, "NOT_REACHED", "USER_BUSY")
            assert await state(call_id) == ["ended", "NOT_REACHED", "USER_BUSY"]
            assert await state("c1") == ["up", "", ""]
            assert await state("c9") == ["there is no call c9"]

    run(main())


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_without_the_token_nothing_is_told(run: Any, token: str) -> None:
    async def main() -> None:
        async with client(token) as (session, conversation):
            for method, path in (("GET", "/calls"), ("POST", "/calls/c1/hold"), ("GET", "/nowhere")):
                async with session.request(method, path) as answer:
                    assert answer.status == 401
                    assert "c1" not in await answer.text()
            assert conversation.asked == []

    run(main())


def test_a_missing_token_and_a_taken_port_are_named(run: Any, nothing_left: None) -> None:
    async def main(**table: Any) -> None:
        async with api.serving(WebSettings.model_validate(table), Switchboard()):
            pass

    with pytest.raises(SettingsError, match=r"web\.token_file"):
        run(main(port=0))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"web\.port.*{port}"):
            run(main(port=port, token=TOKEN))
