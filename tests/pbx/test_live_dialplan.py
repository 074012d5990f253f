"""The shipped dialplans on a real Asterisk: where a call goes after each way of leaving."""

from __future__ import annotations

from typing import Any

import pytest

from ari_bridge.pbx.call import CallHandler, Outcome, PbxCall, Status
from ari_bridge.pbx.causes import Cause
from ari_bridge.sandbox.lab import Lab
from tests.pbx.helpers import SilentPlane, eventually_await, serving
from tests.pbx.live import a_person_answers, dialled, lab_settings

pytestmark = pytest.mark.asterisk

DIDS = pytest.mark.parametrize("did", ["5000", "5098"], ids=["plain", "freepbx"])


def leaving(status: Status, cause: Cause) -> CallHandler:
    async def handler(call: PbxCall) -> Outcome:
        assert call.info.did in ("5000", "5098"), "the DID, not `s`"
        return Outcome(status, cause)

    return handler


@DIDS
@pytest.mark.parametrize(
    ("status", "cause"), [(Status.COMPLETED, Cause.AGENT), (Status.TIMEOUT, Cause.MAX_DURATION)]
)
def test_a_call_that_is_over_is_hung_up(
    clean_lab: Lab, run: Any, did: str, status: Status, cause: Cause
) -> None:
    async def main() -> None:
        async with (
            serving(lab_settings(clean_lab), SilentPlane(), leaving(status, cause)),
            dialled(clean_lab, did) as caller,
        ):

            async def gone() -> bool:
                return await caller.state() == ""

            await eventually_await(gone)

    run(main())


@DIDS
def test_a_call_that_fails_reaches_a_person(clean_lab: Lab, run: Any, did: str) -> None:
    async def main() -> None:
        async with (
            serving(lab_settings(clean_lab), SilentPlane(), leaving(Status.FAILED, Cause.MEDIA_FAILED)),
            dialled(clean_lab, did),
        ):
            await a_person_answers(clean_lab)

    run(main())


@DIDS
def test_without_us_callers_reach_a_person(clean_lab: Lab, run: Any, did: str) -> None:
    async def main() -> None:
        async with dialled(clean_lab, did):
            await a_person_answers(clean_lab)

    run(main())


def test_no_shipped_context_can_meet_one_of_freepbx(clean_lab: Lab, run: Any) -> None:
    """FreePBX has from-trunk, from-internal, … of its own, and contexts of one name become one."""
    for file in ("ari_bridge/extensions.conf", "ari_bridge/freepbx.conf"):
        text = (clean_lab.pbx.directory / "etc" / file).read_text()
        contexts = {line[1:-1] for line in text.splitlines() if line.startswith("[")} - {"globals"}
        assert contexts
        assert all(name.startswith("ari-bridge-") or name == "humans" for name in contexts), contexts
