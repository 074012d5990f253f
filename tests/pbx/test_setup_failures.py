"""A set-up that goes wrong at any of its requests: every call ends, and nothing is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from tests.pbx.fake_ari import Do, FakeChannel, Hook, refuse
from tests.pbx.helpers import (
    REQUEST_TIMEOUT_S,
    Bench,
    bench,
    eventually,
    went,
)

REQUESTS = ("getChannelVar", "setChannelVars", "answer", "externalMedia", "createWithId", "addChannel")
"""The requests of a set-up."""


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422, 500])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_refused_request_hands_the_caller_to_the_dialplan(request_name: str, status: int) -> None:
    """Once; with the caller still there. 404 and 409 of its channel mean that it is gone."""

    async def main() -> None:
        async with bench() as b:

            async def once(do: Do) -> web.Response:
                b.ari.on.pop(request_name, None)
                return refuse(status, "no")

            b.ari.on[request_name] = once
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: request_name not in b.ari.on)
            await b.over()
            about_the_caller = request_name in ("getChannelVar", "setChannelVars", "answer")
            if not (about_the_caller and status in (404, 409)):
                assert went(caller)[:2] == ("", "FAILED")

    asyncio.run(main())


def _hang_up_first(b: Bench, caller: FakeChannel) -> Hook:
    async def hook(do: Do) -> web.Response:
        await b.ari.hang_up(caller)
        return await do()

    return hook


def _hang_up_after(b: Bench, caller: FakeChannel) -> Hook:
    async def hook(do: Do) -> web.Response:
        response = await do()
        await b.ari.hang_up(caller)
        await asyncio.sleep(0.02)  # the event overtakes the answer
        return response

    return hook


def _hang_up_unseen(b: Bench, caller: FakeChannel) -> Hook:
    async def hook(do: Do) -> web.Response:
        await b.ari.hang_up(caller, silently=True)
        return await do()

    return hook


def _lose_the_answer(b: Bench, caller: FakeChannel) -> Hook:
    async def hook(do: Do) -> web.Response:
        response = await do()
        await asyncio.sleep(REQUEST_TIMEOUT_S + 0.3)
        return response

    return hook


@pytest.mark.parametrize(
    "mischief", [_hang_up_first, _hang_up_after, _hang_up_unseen, _lose_the_answer], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_hang_up_or_lost_answer_at_every_request(
    request_name: str, mischief: Callable[[Bench, FakeChannel], Hook]
) -> None:
    async def main() -> None:
        async with bench() as b:
            wanted = asyncio.Event()

            async def once(do: Do) -> web.Response:
                b.ari.on.pop(request_name, None)
                wanted.set()
                return await mischief(b, b.ari.callers[0])(do)

            b.ari.on[request_name] = once
            caller = await b.ari.call("agent=demo")
            await wanted.wait()
            if mischief is not _lose_the_answer:
                await eventually(lambda: caller.id not in b.ari.channels)
            await b.over()
            if mischief is _lose_the_answer:
                assert went(caller)[:2] == ("", "FAILED")

    asyncio.run(main())


def test_a_leg_that_is_made_after_its_call_ended_is_deleted() -> None:
    """The POST's answer is lost, and Asterisk carries it out late."""

    async def main() -> None:
        async with bench() as b:
            made = asyncio.Event()

            async def late(do: Do) -> web.Response:
                await asyncio.sleep(REQUEST_TIMEOUT_S + 0.3)
                made.set()
                return await do()

            b.ari.on["externalMedia"] = late
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: caller.went_to == "")
            await made.wait()
            await eventually(lambda: b.ari.done["externalMedia"] == 1 and b.ari.legs == [])
            await b.over()

    asyncio.run(main())


def test_deletes_are_tried_again() -> None:
    async def main() -> None:
        async with bench() as b:

            async def once(do: Do) -> web.Response:
                b.ari.on.pop("destroy")
                return refuse(500)

            caller = await b.talking()
            b.ari.on["destroy"] = once
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())


def test_no_room_in_the_media_plane() -> None:
    async def main() -> None:
        async with bench() as b:
            b.plane.full = True
            caller = await b.ari.call("agent=demo")
            await eventually(lambda: caller.went_to == "")
            assert went(caller) == ("", "FAILED", "MEDIA_PORT_FAILED")
            await b.over()

    asyncio.run(main())


def test_somebody_deletes_the_media_leg() -> None:
    async def main() -> None:
        async with bench() as b:
            caller = await b.talking()
            await b.ari.hang_up(b.ari.legs[0])
            await b.over()
            assert went(caller) == ("", "FAILED", "MEDIA_LEG_LOST")

    asyncio.run(main())


@pytest.mark.parametrize("done", [True, False], ids=["answer lost", "request lost"])
@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_connection_that_breaks_in_a_request_costs_no_call(request_name: str, done: bool) -> None:
    async def main() -> None:
        async with bench() as b:

            async def breaks(do: Do) -> web.Response:
                b.ari.on.pop(request_name)
                response = await do() if done else refuse(500)
                transport = b.ari.requests[-1].transport
                assert transport is not None
                transport.abort()
                return response

            b.ari.on[request_name] = breaks
            caller = await b.talking()
            assert request_name not in b.ari.on
            assert len(b.ari.legs) == len(b.ari.bridges) == 1
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())
