"""The connection to the PBX: refused, dropped, taken over, wound down."""

from __future__ import annotations

import asyncio

import pytest

from ari_bridge.core.errors import (
    AppReplaced,
    AsteriskError,
    AsteriskRefused,
    AsteriskUnreachable,
    SettingsError,
)
from ari_bridge.pbx.names import new_call_id
from tests.pbx.fake_ari import PASSWORD, FakeAri, FakeChannel
from tests.pbx.helpers import (
    SilentPlane,
    bench,
    eventually,
    serving,
    settings_for,
    went,
)


def test_shutting_down_hands_every_caller_to_the_dialplan() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            plane = SilentPlane()
            async with serving(settings_for(ari.url, PASSWORD), plane):
                callers = [await ari.call("agent=demo") for _ in range(5)]
                await eventually(lambda: ari.done["addChannel"] == 5)
            assert {went(caller) for caller in callers} == {("", "FAILED", "SHUTDOWN")}
            assert (ari.bridges, ari.legs) == ({}, [])

    asyncio.run(main())


def test_a_dropped_websocket_keeps_calls_and_finds_out_who_left() -> None:
    async def main() -> None:
        async with bench() as b:
            stays, leaves = await b.talking(), await b.ari.call("agent=demo")
            await eventually(lambda: b.ari.done["addChannel"] == 2)
            await b.ari.drop_sockets()
            await b.ari.hang_up(leaves)
            await b.ari.socket_opened.wait()
            await eventually(lambda: b.controller.live_calls == 1)
            assert len(b.ari.bridges) == 1
            assert len(b.ari.legs) == 1
            await b.ari.hang_up(stays)
            await b.over()

    asyncio.run(main())


def test_what_a_dead_process_left_is_cleared_away_and_strangers_are_left_alone() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            call_id = "20260101T000000-0123456789ab"
            for name in (f"aribridge-ari_bridge-{call_id}-media", f"aribridge-ari_bridge-b-{call_id}-media"):
                ari.channels[name] = FakeChannel(name, in_stasis=False)
            stranded = FakeChannel(
                "1700000000.77", variables={"ARIBRIDGECALLID": call_id, "ARIBRIDGESTATUS": "HANGUP"}
            )
            elsewhere = FakeChannel("1700000000.78", in_stasis=False)
            ari.channels |= {stranded.id: stranded, elsewhere.id: elsewhere}
            ari.bridges = {f"aribridge-ari_bridge-{call_id}": [], f"aribridge-other-{call_id}": [], "b": []}
            async with serving(settings_for(ari.url, PASSWORD), SilentPlane()):
                assert set(ari.bridges) == {f"aribridge-other-{call_id}", "b"}
                assert [leg.id for leg in ari.legs] == [f"aribridge-ari_bridge-b-{call_id}-media"]
                assert went(stranded) == ("", "FAILED", "STRANDED")
                assert elsewhere.variables == {}

    asyncio.run(main())


def test_losing_the_application_is_loud_and_ends_the_service_with_its_last_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events go to the other program from then on; nothing of it is touched."""
    others_leg = f"aribridge-ari_bridge-{new_call_id()}-media"

    async def main() -> None:
        async with bench() as b:
            caller = await b.talking()
            await b.ari.emit("ApplicationReplaced")
            await eventually(lambda: not b.controller.connected)
            others = FakeChannel("1700000000.99")
            b.ari.channels |= {others.id: others, others_leg: FakeChannel(others_leg)}
            await b.ari.press(caller, "1")
            assert b.controller.live_calls == 1
            await b.ari.hang_up(caller, silently=True)
            await eventually(lambda: b.controller.live_calls == 0, within_s=5.0)
            assert set(b.ari.channels) == {others.id, others_leg}
            opened = [each for each in b.ari.requests if each.path.endswith("/ari/events")]
            assert len(opened) == 1, "it was not fought for"
            await asyncio.sleep(0.05)

    with pytest.raises(AppReplaced, match=r"asterisk\.app: another program has taken over"):
        asyncio.run(main())
    errors = [line.getMessage() for line in caplog.records if line.levelname == "ERROR"]
    assert errors[0].startswith("asterisk.app: another program has taken over")


def test_a_call_that_came_while_nobody_listened_is_taken() -> None:
    async def main() -> None:
        async with bench() as b:
            await b.ari.drop_sockets()
            await b.ari.call("agent=demo")
            await eventually(lambda: b.plane.open_ports == 1)
            await b.ari.hang_up(b.ari.callers[0])
            await b.over()

    asyncio.run(main())


def test_an_orphan_is_gone_within_five_seconds() -> None:
    """Of a request, say, whose answer was lost and that took effect much later."""
    call_id = new_call_id()

    async def main() -> None:
        async with bench() as b:
            caller = await b.talking()
            leg = f"aribridge-ari_bridge-{call_id}-media"
            b.ari.channels[leg] = FakeChannel(leg)
            b.ari.bridges[f"aribridge-ari_bridge-{call_id}"] = []
            await eventually(lambda: leg not in b.ari.channels and len(b.ari.bridges) == 1, within_s=5.0)
            assert b.controller.live_calls == 1, "the living are left alone"
            await b.ari.hang_up(caller)
            await b.over()

    asyncio.run(main())


def test_a_pbx_that_refuses_for_a_while_is_not_asked_all_the_time() -> None:
    async def main() -> None:
        async with bench() as b:
            b.ari.status = 503
            asked = len(b.ari.requests)
            await b.ari.drop_sockets()
            await asyncio.sleep(1.5)
            assert 3 <= len(b.ari.requests) - asked <= 12
            b.ari.status = None
            await eventually(lambda: b.controller.connected, within_s=2.0)

    asyncio.run(main())


# ------------------------------------------------------------------ a PBX that cannot be used


async def start(ari: FakeAri, password: str = PASSWORD, host: str = "127.0.0.1", **media: str) -> None:
    async with serving(settings_for(ari.url, password, **media), SilentPlane((host, 40404))):
        pass


def test_a_wrong_password_names_what_to_mend() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            with pytest.raises(AsteriskRefused, match=r"asterisk.username, asterisk.password: .* ari.conf$"):
                await start(ari, "wrong")

    asyncio.run(main())


def test_a_read_only_user_names_what_to_mend() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            ari.read_only = True
            with pytest.raises(AsteriskRefused, match=r"ari\.conf must give this user read_only=no"):
                await start(ari)

    asyncio.run(main())


def test_no_ari_names_what_to_mend() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            ari.status = 404
            with pytest.raises(AsteriskUnreachable, match=r"has no /ari: load res_ari\.so"):
                await start(ari)

    asyncio.run(main())


def test_nobody_there_names_what_to_mend() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            pass
        with pytest.raises(AsteriskUnreachable, match=rf"nothing answers at {ari.url}: is Asterisk running"):
            await start(ari)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("module", "format", "error", "words"),
    [
        ("chan_rtp.so", "auto", AsteriskError, "chan_rtp.so, which carries external media, is not loaded"),
        ("codec_resample.so", "slin16", SettingsError, "media.format: .*slin16: load codec_resample.so"),
        ("codec_g722.so", "slin16", SettingsError, "media.format: .*slin16: load codec_g722.so"),
        ("codec_g722.so", "g722", SettingsError, "media.format: .*g722: load codec_g722.so"),
        ("codec_opus.so", "opus", SettingsError, "opus: load codec_opus.so or codec_opus_open_source.so"),
        ("codec_alaw.so", "alaw", SettingsError, "media.format: .*alaw: load codec_alaw.so"),
    ],
)
def test_a_missing_module_is_found_before_a_silent_call(
    module: str, format: str, error: type[Exception], words: str
) -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            ari.modules.remove(module)
            with pytest.raises(error, match=words):
                await start(ari, format=format)

    asyncio.run(main())


def test_an_address_that_asterisk_cannot_send_to() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            with pytest.raises(SettingsError, match=r"media.advertise_host: must be set .* 0\.0\.0\.0"):
                await start(ari, host="0.0.0.0")

    asyncio.run(main())
