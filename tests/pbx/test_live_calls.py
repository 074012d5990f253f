"""Real calls over a real SIP trunk into a real Asterisk: in, through, out, and nothing left."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from ari_bridge.core.errors import AsteriskRefused
from ari_bridge.pbx.call import CallerGone, CallHandler, Digit, Outcome, PbxCall, Status
from ari_bridge.pbx.names import new_call_id
from ari_bridge.sandbox.debian import BULLSEYE, Suite
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.proxy import Refusal, proxying
from ari_bridge.settings import MediaSettings
from tests.pbx.helpers import SilentPlane, eventually, eventually_await, serving, talk_until_gone
from tests.pbx.live import a_person_answers, dialled, lab_settings, listing

pytestmark = pytest.mark.asterisk


class Seen:
    """A handler that notes the calls it had, and does with each what `then` says."""

    def __init__(self, then: CallHandler = talk_until_gone) -> None:
        self.calls: list[PbxCall] = []
        self._then = then

    async def __call__(self, call: PbxCall) -> Outcome:
        self.calls.append(call)
        return await self._then(call)


async def sell(call: PbxCall) -> Outcome:
    """A digit transfers."""
    event = await call.next_event()
    if isinstance(event, CallerGone):
        return Outcome(Status.HANGUP)
    assert isinstance(event, Digit)
    return Outcome(Status.TRANSFER, event.digit, context="humans", exten="sales")


def test_a_call_crosses_the_trunk_and_the_caller_hangs_up(clean_lab: Lab, run: Any) -> None:
    async def main() -> None:
        seen, plane = Seen(), SilentPlane()
        async with (
            serving(lab_settings(clean_lab), plane, seen) as controller,
            dialled(clean_lab, "5000") as caller,
        ):
            await eventually(lambda: len(seen.calls) == 1)
            info = seen.calls[0].info
            assert (info.agent, info.did, info.caller_number) == ("reception", "5000", "5551234")
            assert await caller.state() == "Up"
            await caller.hang_up()
            await eventually(lambda: controller.live_calls == 0)
            assert plane.open_ports == 0

    run(main())


def test_a_digit_and_a_transfer_to_a_person(clean_lab: Lab, run: Any) -> None:
    async def main() -> None:
        seen = Seen(sell)
        async with (
            serving(lab_settings(clean_lab), SilentPlane(), seen) as controller,
            dialled(clean_lab, "5001") as caller,
        ):
            await eventually(lambda: len(seen.calls) == 1)
            await caller.press("5")
            await a_person_answers(clean_lab)
            assert await caller.state() == "Up"
            await eventually(lambda: controller.live_calls == 0)
            names = {channel["name"].split("/")[0] for channel in await listing(clean_lab.pbx, "channels")}
            assert names == {"PJSIP"}, "no media leg is left"
            assert await listing(clean_lab.pbx, "bridges") != [], "caller and person talk"

    run(main())


def test_the_dialplan_hangs_up_when_the_agent_is_done(clean_lab: Lab, run: Any) -> None:
    async def goodbye(call: PbxCall) -> Outcome:
        return Outcome(Status.COMPLETED, "AGENT")

    async def main() -> None:
        seen = Seen(goodbye)

        async def gone() -> bool:
            return await caller.state() == ""

        async with (
            serving(lab_settings(clean_lab), SilentPlane(), seen),
            dialled(clean_lab, "5000") as caller,
        ):
            await eventually(lambda: len(seen.calls) == 1)
            await eventually_await(gone)

    run(main())


async def _bug(call: PbxCall) -> Outcome:
    raise ZeroDivisionError


@pytest.mark.parametrize(("number", "handler"), [("5099", talk_until_gone), ("5000", _bug)])
def test_what_fails_reaches_a_person(clean_lab: Lab, run: Any, number: str, handler: CallHandler) -> None:
    """An agent nobody knows, and an agent with a bug."""

    async def main() -> None:
        async with (
            serving(lab_settings(clean_lab), SilentPlane(), handler),
            dialled(clean_lab, number),
        ):
            await a_person_answers(clean_lab)

    run(main())


def test_shutting_down_leaves_callers_with_a_person(clean_lab: Lab, run: Any) -> None:
    async def main() -> None:
        seen = Seen()
        async with AsyncExitStack() as calls:
            async with serving(lab_settings(clean_lab), SilentPlane(), seen):
                await calls.enter_async_context(dialled(clean_lab, "5000"))
                await eventually(lambda: len(seen.calls) == 1)
            await a_person_answers(clean_lab)

    run(main())


def test_the_media_plane_gets_rtp_from_the_address_that_asterisk_told(clean_lab: Lab, run: Any) -> None:
    """The media plane listens to that address, and to nobody else."""

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            receiver.setblocking(False)
            plane = SilentPlane(receiver.getsockname())
            async with serving(lab_settings(clean_lab), plane), talkative(clean_lab):
                await eventually(lambda: plane.open_ports == 1)
                async with asyncio.timeout(3):
                    packet, source = await asyncio.get_running_loop().sock_recvfrom(receiver, 2048)
                assert source == plane.ports[0].peer
                assert packet[0] == 0x80, "RTP, version 2"

    run(main())


def test_the_port_speaks_what_the_leg_does(clean_lab: Lab, run: Any, pbx_suite: Suite | None) -> None:
    """Asterisk 16 makes a µ-law leg where slin is asked for."""
    settings = lab_settings(clean_lab).model_copy(update={"media": MediaSettings(format="slin")})

    async def main() -> None:
        plane = SilentPlane()
        async with serving(settings, plane), dialled(clean_lab, "5000"):
            await eventually(lambda: plane.open_ports == 1)
            assert plane.ports[0].codec == ("ulaw" if pbx_suite is BULLSEYE else "slin")

    run(main())


@asynccontextmanager
async def talkative(lab: Lab, speaks: str = "4001") -> AsyncIterator[None]:
    """A call from inside the PBX, whose caller is a dialplan extension (4001: a tone; 4002: rings)."""
    async with lab.pbx.ari_session() as session:
        query = {
            "endpoint": "Local/5000@from-trunk/n",
            "context": "from-trunk",
            "extension": speaks,
        }
        async with session.post("/ari/channels", params=query) as answer:
            assert answer.status == 200, await answer.text()
            channel = await answer.json()
        try:
            yield
        finally:
            async with session.delete(f"/ari/channels/{channel['id']}"):
                pass


def test_hang_ups_at_any_moment_leave_nothing(clean_lab: Lab, run: Any) -> None:
    """Thirty callers or more, ten at a time, who hang up at any moment of their set-ups, however long this
    machine and this Asterisk take: the time that they stay grows until some were talking; some never were."""

    async def hasty(longest_s: float) -> None:
        async with talkative(clean_lab, speaks="4002"):
            await asyncio.sleep(random.uniform(0, longest_s))

    async def main() -> None:
        seen, plane = Seen(), SilentPlane()
        async with serving(lab_settings(clean_lab), plane, seen) as controller:
            placed, longest_s = 0, 0.1
            while placed < 30 or not seen.calls:
                assert longest_s < 10, "some get through"
                await asyncio.gather(*(hasty(longest_s) for _ in range(10)))
                placed, longest_s = placed + 10, longest_s * 2
            assert len(seen.calls) < placed, "some were too hasty"
            await eventually(lambda: controller.live_calls == 0, within_s=10.0)
            assert plane.open_ports == 0

    run(main())


def test_late_answers_and_late_events_fail_no_set_up(clean_lab: Lab, run: Any) -> None:
    """Up to 50 ms on each way of each connection, so that events and answers overtake each other."""

    async def main() -> None:
        seen, plane = Seen(), SilentPlane()
        async with (
            proxying(clean_lab.pbx.http_port) as slow,
            serving(lab_settings(clean_lab, slow.url), plane, seen) as controller,
        ):
            slow.delay(0.05)
            async with AsyncExitStack() as calls:
                for _ in range(20):
                    await calls.enter_async_context(talkative(clean_lab))
                await eventually(lambda: len(seen.calls) == 20, within_s=15.0)
            await eventually(lambda: controller.live_calls == 0, within_s=10.0)

    run(main())


def test_a_cut_connection_keeps_the_calls_and_finds_who_left(clean_lab: Lab, run: Any) -> None:
    async def main() -> None:
        seen, plane = Seen(), SilentPlane()
        async with (
            proxying(clean_lab.pbx.http_port) as line,
            serving(lab_settings(clean_lab, line.url), plane, seen) as controller,
            dialled(clean_lab, "5000") as stays,
            dialled(clean_lab, "5001") as leaves,
        ):
            await eventually(lambda: len(seen.calls) == 2)
            line.refusal = Refusal.RESET
            line.reset()
            await leaves.hang_up()
            await asyncio.sleep(0.3)
            assert controller.live_calls == 2, "nobody could know"
            line.refusal = Refusal.NONE
            await eventually(lambda: controller.live_calls == 1)
            assert await stays.state() == "Up"
            await stays.hang_up()
            await eventually(lambda: controller.live_calls == 0)

    run(main())


def test_what_a_dead_process_left_is_cleared_away(clean_lab: Lab, run: Any) -> None:
    """Its leg, its bridge, somebody whom it rang, and a caller who waits in Stasis for nobody."""
    call_id = new_call_id()

    async def callers_in_stasis() -> list[str]:
        (application,) = await listing(clean_lab.pbx, "applications")
        return [
            channel["id"]
            for channel in await listing(clean_lab.pbx, "channels")
            if channel["id"] in application["channel_ids"]
            and channel["name"].startswith("PJSIP/")
            and not channel["id"].startswith("aribridge-")  # that is somebody we rang
        ]

    async def caller_in_stasis() -> bool:
        return bool(await callers_in_stasis())

    async def main() -> None:
        leg = {
            "app": "ari_bridge",
            "channelId": f"aribridge-ari_bridge-{call_id}-media",
            "external_host": "127.0.0.1:9",
            "format": "ulaw",
            "data": call_id,
        }
        bridge = f"/ari/bridges/aribridge-ari_bridge-{call_id}"
        async with clean_lab.pbx.ari_session() as session, AsyncExitStack() as calls:
            async with session.ws_connect("/ari/events", params={"app": "ari_bridge"}):
                async with session.post("/ari/channels/externalMedia", params=leg) as answer:
                    assert answer.status == 200
                async with session.post(bridge, params={"type": "mixing"}) as answer:
                    assert answer.status == 200
                person = {
                    "endpoint": "PJSIP/7010@carrier",
                    "app": "ari_bridge",
                    "channelId": f"aribridge-ari_bridge-{call_id}-party1",
                }
                async with session.post("/ari/channels", params=person) as answer:
                    assert answer.status == 200

                async def person_is_there() -> bool:
                    async with session.get(f"/ari/channels/{person['channelId']}") as answer:
                        return str((await answer.json())["state"]) == "Up"

                await eventually_await(person_is_there)
                await calls.enter_async_context(dialled(clean_lab, "5000"))
                await eventually_await(caller_in_stasis)
                for channel_id in await callers_in_stasis():  # it was answered
                    name = {"variable": "ARIBRIDGESTATUS"}
                    path = f"/ari/channels/{channel_id}/variable"
                    async with session.post(path, params={**name, "value": "HANGUP"}) as answer:
                        assert answer.status == 204

                    async def known(path: str = path, name: dict[str, str] = name) -> bool:
                        async with session.get(path, params=name) as answer:
                            return answer.status == 200

                    await eventually_await(known)  # Asterisk 16 sets it when it comes to it
            assert len(await listing(clean_lab.pbx, "bridges")) == 1, "left behind"
            async with serving(lab_settings(clean_lab), SilentPlane()):
                assert await listing(clean_lab.pbx, "bridges") == []
                channels = [each["id"] for each in await listing(clean_lab.pbx, "channels")]
                assert person["channelId"] not in channels
                await a_person_answers(clean_lab)

    run(main())


def test_a_wrong_password_is_one_line(clean_lab: Lab, run: Any) -> None:
    settings = lab_settings(clean_lab)
    wrong = settings.asterisk.model_copy(update={"username": "nobody"})

    async def main() -> None:
        with pytest.raises(AsteriskRefused, match=r"asterisk\.username") as failure:
            async with serving(settings.model_copy(update={"asterisk": wrong}), SilentPlane()):
                pass
        assert "\n" not in str(failure.value)
        assert clean_lab.pbx.ari_password not in str(failure.value)

    run(main())
