"""Channels of an older Asterisk sleep until they are woken, and only they are."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from ari_bridge.pbx.versions import sleeps
from ari_bridge.pbx.wake import WAKING
from ari_bridge.settings import LimitSettings
from tests.pbx.fake_ari import PASSWORD, Do, FakeAri
from tests.pbx.helpers import SilentPlane, eventually, serving, settings_for

OLD, NEW = "16.28.0~dfsg-0+deb11u4", "22.10.1"


def wakings(ari: FakeAri) -> int:
    return sum("TIMEOUT(absolute)" in request.query.get("variable", "") for request in ari.requests)


def old_ari() -> FakeAri:
    ari = FakeAri()
    ari.version = OLD
    ari.modules.update(WAKING)
    return ari


@pytest.mark.parametrize("operation", ["answer", "addChannel"])
def test_channels_are_woken_while_a_request_waits_for_them(operation: str) -> None:
    async def main() -> None:
        async with old_ari() as ari, serving(settings_for(ari.url, PASSWORD), SilentPlane()):

            async def sleep(do: Do) -> web.Response:
                before = wakings(ari)
                await eventually(lambda: wakings(ari) > before + 1)
                return await do()

            ari.on[operation] = sleep
            await ari.call("agent=demo")
            await eventually(lambda: ari.done["addChannel"] == 1)
            before = wakings(ari)
            await asyncio.sleep(0.03)
            assert wakings(ari) == before, "the bridge has no need of it"

    asyncio.run(main())


def test_a_caller_is_woken_to_be_refused() -> None:
    async def main() -> None:
        async with old_ari() as ari:
            settings = settings_for(ari.url, PASSWORD)
            settings = settings.model_copy(update={"limits": LimitSettings(max_calls=1)})
            async with serving(settings, SilentPlane()):
                await ari.call("agent=demo")
                await eventually(lambda: ari.done["addChannel"] == 1)
                before = wakings(ari)
                caller = await ari.call("agent=demo")
                await eventually(lambda: wakings(ari) == before + 1)
                assert caller.went_to == "", "it was told where to go before"

    asyncio.run(main())


@pytest.mark.parametrize("version", [NEW, "23.1.0"])
def test_a_newer_asterisk_is_left_alone(version: str) -> None:
    async def main() -> None:
        async with old_ari() as ari:
            ari.version = version
            async with serving(settings_for(ari.url, PASSWORD), SilentPlane()):
                await ari.call("agent=demo")
                await eventually(lambda: ari.done["addChannel"] == 1)
                assert wakings(ari) == 0

    asyncio.run(main())


def test_without_the_functions_channels_sleep_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with old_ari() as ari:
            ari.modules.discard("func_timeout.so")
            async with serving(settings_for(ari.url, PASSWORD), SilentPlane()):
                await ari.call("agent=demo")
                await eventually(lambda: ari.done["addChannel"] == 1)
                assert wakings(ari) == 0

    asyncio.run(main())
    assert "asterisk: func_timeout.so is not loaded: calls are taken up to 0.4 s later" in caplog.messages


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (OLD, True),
        ("certified/20.7-cert2", True),
        ("GIT-21-4f0bd3a", True),
        (NEW, False),
        ("GIT-22-1a2b3c4", False),
        ("of unknown version", True),
    ],
)
def test_which_versions_sleep(version: str, expected: bool) -> None:
    assert sleeps(version) is expected
