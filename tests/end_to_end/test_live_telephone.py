"""What a caller's telephone does to a call: hold, and attended transfer by the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.lab import Lab
from tests.end_to_end.sip_phone import telephone
from tests.pbx.helpers import eventually, eventually_await
from tests.pbx.live import listing

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]


def test_a_telephone_that_holds_pauses_the_agent(serving: Any, run: Run, clean_lab: Lab) -> None:
    async def main() -> None:
        async with serving() as service, telephone(clean_lab.pbx.sip_port) as phone:
            call = await phone.call("5000")
            await service.seen(LiveKind.AGENT_SAYS)
            await call.hold()
            await asyncio.sleep(4.0)  # longer than the greeting lasts
            await call.unhold()
            await asyncio.sleep(4.0)
            await call.hang_up()
            record = await service.record()
        (greeting,) = record["turns"]
        assert greeting["heard"] == greeting["text"], "it went on where it was"
        assert greeting["end_ms"] - greeting["start_ms"] > 6000

    run(main())


def test_a_call_that_the_pbx_transfers_goes_on(serving: Any, run: Run, clean_lab: Lab) -> None:
    """The telephone that talks with the agent hands the call to a third party, and is out."""

    async def others() -> list[str]:
        """The names of the channels that are neither ours nor the telephone's."""
        names = [channel["name"] for channel in await listing(clean_lab.pbx, "channels")]
        return [name for name in names if not name.startswith(("UnicastRTP/", "PJSIP/"))]

    async def telephone_is_out() -> bool:
        return not any(
            channel["name"].startswith("PJSIP/") for channel in await listing(clean_lab.pbx, "channels")
        )

    async def main() -> None:
        async with serving() as service, telephone(clean_lab.pbx.sip_port) as phone:
            first = await phone.call("5000")
            await service.seen(LiveKind.AGENT_SAYS)
            second = await phone.call("4001")
            await first.transfer_to(second)
            await eventually(lambda: any("200" in body for body in phone.notified), 5.0)
            await eventually_await(telephone_is_out, 5.0)
            assert len(await others()) == 2, "both halves of what the PBX put in the telephone's place"
            await asyncio.sleep(2.5)
            assert service.inside.live_calls == 1
            assert not any(event.kind is LiveKind.CALL_ENDED for event in service.events)
            async with clean_lab.pbx.ari_session() as session:
                for channel in await listing(clean_lab.pbx, "channels"):
                    if channel["name"].endswith(";2"):  # the third party hangs up
                        async with session.delete(f"/ari/channels/{channel['id']}") as answer:
                            assert answer.status == 204
            record = await service.record()
        assert record["variables"]["ARIBRIDGESTATUS"] == "HANGUP"
        assert len(list(service.records.glob("*.json"))) == 1, "it was one call"

    run(main())
