"""Somebody else comes into the call, before a real Asterisk: asked first, joined, or given it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ari_bridge.core.audio import dbfs
from ari_bridge.sandbox.caller import place_call
from ari_bridge.sandbox.lab import MUSIC_HZ
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Wait
from tests.end_to_end.control import Kept, rule, said, scenario, tone_s

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]


def test_an_attended_transfer_is_briefed_accepted_and_connected(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(
            rule("1", "attended_transfer", destination="willing", briefing="Ada asks for her order.")
        ) as service:
            heard = Kept(service.lab, "7004")
            result = await place_call(
                service.lab,
                scenario(Press("1"), Wait(Awaited.HUMAN_ANSWERS, 25), Pause(5000), Hangup()),
            )
            record = await service.record()
            assert result.problem == ""
            assert dbfs((await heard.pcm())[: 4 * 8000]) > -45, "the briefing"
        recording = result.recording
        assert tone_s(recording.agent, MUSIC_HZ, recording.rate_hz) >= 0.8
        assert "order" not in said(record), "the briefing is not for the caller"
        assert record["variables"]["ARIBRIDGESTATUS"] == "TRANSFER"

    run(main())


@pytest.mark.parametrize(
    ("destination", "sentence"),
    [
        ("busy", "Busy is busy at the moment."),
        ("nobody", "Nobody does not answer."),
        ("refusing", "Refusing cannot take the call at the moment."),
        ("declining", "Declining cannot take the call at the moment."),
    ],
)
def test_a_transfer_that_fails_brings_the_agent_back(
    controlled: Any, run: Run, destination: str, sentence: str
) -> None:
    async def main() -> None:
        async with controlled(
            rule("1", "attended_transfer", destination=destination, briefing="Ada."),
        ) as service:
            asked = (Pause(400), Say("what are your opening hours"), Wait(Awaited.AGENT_DONE))
            result = await place_call(
                service.lab,
                scenario(Press("1"), Pause(9000), *asked, Hangup()),
            )
            record = await service.record()
        assert result.problem == ""
        assert sentence in said(record)
        assert "nine to five" in said(record), "and the dialogue goes on"

    run(main())


def test_the_caller_can_call_the_agent_back(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(
            rule("1", "attended_transfer", destination="nobody", briefing="Ada."),
        ) as service:
            result = await place_call(
                service.lab, scenario(Press("1"), Pause(3000), Press("*"), Pause(3000), Hangup())
            )
            record = await service.record()
        assert result.problem == ""
        assert "back with you" in said(record)

    run(main())


def test_a_third_party_joins(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(
            rule("1", "conference", destination="willing", then="All are here.")
        ) as service:
            heard = Kept(service.lab, "7004")
            result = await place_call(
                service.lab,
                scenario(Press("1"), Wait(Awaited.HUMAN_ANSWERS), Hangup()),
            )
            record = await service.record()
            assert dbfs(await heard.pcm()) > -45, "the agent"
        assert result.problem == ""
        assert "All are here." in said(record)

    run(main())


@pytest.mark.parametrize("place", ["queue", "voicemail"])
def test_queue_and_voicemail_are_the_dialplans(controlled: Any, run: Run, place: str) -> None:
    async def main() -> None:
        async with controlled(rule("1", "transfer", destination=place, then="")) as service:
            spoken = (Pause(3500), Say("this is a message for you"), Pause(1000), Hangup())
            waits = (Wait(Awaited.HUMAN_ANSWERS), Hangup()) if place == "queue" else spoken
            result = await place_call(service.lab, scenario(Press("1"), *waits))
            record = await service.record()
            assert result.problem == ""
            assert record["variables"]["ARIBRIDGECAUSE"] == place
            if place == "voicemail":
                inbox = service.lab.pbx.directory / "spool/voicemail/default/100/INBOX"
                for _ in range(50):
                    if list(inbox.glob("msg*.wav")):
                        break
                    await asyncio.sleep(0.1)
                assert list(inbox.glob("msg*.wav")), "the message is in the mailbox"

    run(main())


def test_after_a_blind_transfer_to_a_busy_line_the_agent_is_back_and_says_so(
    controlled: Any, run: Run
) -> None:
    place = {"context": "humans", "exten": "sales", "variables": {"HUMANS_SALES": "PJSIP/7001@carrier"}}

    async def main() -> None:
        async with controlled(
            rule("1", "transfer", destination="workshop", then=""), destinations={"workshop": place}
        ) as service:
            asked = (Pause(300), Say("what are your opening hours"), Wait(Awaited.AGENT_DONE))
            result = await place_call(service.lab, scenario(Press("1"), Pause(7000), *asked, Hangup()))
            sent, back = await service.record(1), await service.record(2)
        assert result.problem == ""
        assert sent["variables"]["ARIBRIDGESTATUS"] == "TRANSFER"
        assert "workshop is busy" in said(back)
        assert "nine to five" in said(back)

    run(main())
