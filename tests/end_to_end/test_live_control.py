"""Every verb before a real Asterisk, and what is seen of it from outside: by the caller, by another
telephone, on the disk of the PBX. The agent is the script; the keys of the caller choose what it does."""

from __future__ import annotations

import asyncio
import json
import logging
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from ari_bridge.core.audio import Pcm16, dbfs
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.caller import CallerResult, place_call
from ari_bridge.sandbox.lab import MUSIC_HZ, Lab
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Press, Say, Scenario, Wait
from ari_bridge.settings import WebSettings
from ari_bridge.web import api

pytestmark = pytest.mark.asterisk

Run = Callable[..., Any]

SUPERVISOR_HZ = 850.0

SCRIPT = """
[[rules]]
name = "hours"
patterns = ["what are your opening hours"]
reply = "We are open from nine to five."
"""


def rule(
    key: str, tool: str, *, reply: str = "One moment please.", then: str = "{result}", **given: str
) -> str:
    arguments = ", ".join(f'{name} = "{value}"' for name, value in given.items())
    return (
        f'[[rules]]\nname = "key-{key}"\ndigit = "{key}"\nreply = "{reply}"\nthen = "{then}"\n'
        f'tools = [{{ name = "{tool}", arguments = {{ {arguments} }} }}]\n'
    )


DESTINATIONS = {
    name: {"context": context, "exten": exten, "endpoint": f"PJSIP/{number}@carrier", "ring_s": 4}
    for name, context, exten, number in (
        ("human", "humans", "reception", "7000"),
        ("busy", "humans", "sales", "7001"),
        ("nobody", "humans", "sales", "7002"),
        ("refusing", "humans", "sales", "7003"),
        ("willing", "humans", "sales", "7004"),
        ("declining", "humans", "sales", "7005"),
        ("boss", "humans", "sales", "7006"),
        ("queue", "humans", "queue", "7000"),
        ("voicemail", "humans", "voicemail", "7000"),
    )
}


@pytest.fixture
def controlled(serving: Any, tmp_path: Path) -> Callable[..., Any]:
    """The service with a script of the given rules."""

    def start(*rules: str, **tables: Any) -> Any:
        script = tmp_path / "script.toml"
        script.write_text(SCRIPT + "\n".join(rules))
        verbs = ("hangup", "transfer", "attended_transfer", "conference", "hold", "unhold", "mute", "unmute")
        verbs += ("send_dtmf", "record", "collect_digits", "continue_in_dialplan")
        return serving(
            **{
                "agents": {"reception": {"greeting": "Hello.", "actions": verbs}},
                "destinations": DESTINATIONS,
                "providers": {"script": {"script_file": str(script)}},
                **tables,
            }
        )

    return start


def scenario(*steps: Any) -> Scenario:
    return Scenario(did="5000", steps=(Wait(Awaited.AGENT_DONE), Pause(200), *steps))


def tone_s(pcm: Pcm16, hz: float, rate_hz: int) -> float:
    """For how long nearly nothing but the tone sounded, in seconds (speech never does that for long)."""
    size = rate_hz // 5
    probe = np.exp(-2j * np.pi * hz * np.arange(size) / rate_hz)
    frames = pcm[: len(pcm) // size * size].reshape(-1, size).astype(float)
    tone_power = 2 * np.abs(frames @ probe / size) ** 2
    return float(np.sum(tone_power > np.maximum(0.8 * np.mean(frames**2, axis=1), 100.0**2)) * 0.2)


async def log_says(server: AsteriskServer, text: str, within_s: float = 10.0) -> bool:
    for _ in range(int(within_s / 0.1)):
        if text in (server.directory / "log/full").read_text("utf-8", "replace"):
            return True
        await asyncio.sleep(0.1)
    return False


class Kept:
    """What somebody on the carrier heard; made before the call."""

    def __init__(self, lab: Lab, number: str) -> None:
        self._file = lab.carrier.directory / f"sounds/heard-{number}.wav"
        self._file.unlink(missing_ok=True)

    async def pcm(self) -> Pcm16:
        """Once the call is over and Asterisk has finished the file."""
        for _ in range(50):
            try:
                with wave.open(str(self._file)) as opened:
                    return np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
            except (OSError, EOFError, wave.Error):
                await asyncio.sleep(0.1)
        raise AssertionError(f"{self._file} is no recording")


def said(record: dict[str, Any]) -> str:
    return " ".join(turn["heard"] for turn in record["turns"] if turn["who"] == "agent")


# ------------------------------------------------------------------ hold, mute, keys, recording


def test_on_hold_the_caller_hears_music_and_the_agent_comes_back(controlled: Any, run: Run) -> None:
    async def main() -> tuple[CallerResult, dict[str, Any]]:
        async with controlled(
            rule("1", "hold", then="Thank you for waiting."), control={"hold_limit_s": 2}
        ) as service:
            result = await place_call(
                service.lab,
                scenario(Press("1"), Pause(2000), Say("what are your opening hours"), Pause(4000), Hangup()),
            )
            return result, await service.record()

    result, record = run(main())
    assert result.problem == ""
    recording = result.recording
    assert tone_s(recording.agent, MUSIC_HZ, recording.rate_hz) >= 0.8
    assert record["turns"][-1]["heard"] == "One moment please. Thank you for waiting."
    assert all("hours" not in turn["text"] for turn in record["turns"]), "nobody listened"
    tail = recording.agent[-recording.rate_hz // 2 :]
    assert tone_s(tail, MUSIC_HZ, recording.rate_hz) == 0, "the music has ended"


def test_a_muted_caller_is_not_heard(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(rule("1", "mute"), rule("2", "unmute")) as service:
            question = Say("what are your opening hours")
            result = await place_call(
                service.lab,
                scenario(
                    *(Press("1"), Wait(Awaited.AGENT_DONE), question, Pause(2500)),
                    *(Press("2"), Wait(Awaited.AGENT_DONE), Pause(300), question, Wait(Awaited.AGENT_DONE)),
                    Hangup(),
                ),
            )
            record = await service.record()
        assert result.problem == ""
        questions = [turn for turn in record["turns"] if "hours" in turn["text"]]
        assert len(questions) == 1

    run(main())


def test_keys_reach_the_far_end(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled(rule("1", "send_dtmf", digits="58#", then="Done.")) as service:
            result = await place_call(service.lab, scenario(Press("1"), Pause(3500), Hangup()))
            assert result.problem == ""
            for digit in "58#":
                assert await log_says(service.lab.carrier, f"DTMF end '{digit}' received on PJSIP/trunk"), (
                    digit
                )

    run(main())


def test_a_recording_holds_what_was_said(controlled: Any, run: Run) -> None:
    async def main() -> None:
        rules = (
            rule("1", "record", step="start", then="Recording."),
            rule("2", "record", step="pause", then="Paused."),
            rule("3", "record", step="stop", then="Stopped."),
        )
        async with controlled(*rules) as service:
            result = await place_call(
                service.lab,
                scenario(
                    *(Press("1"), Wait(Awaited.AGENT_DONE), Pause(1000)),
                    *(Press("2"), Wait(Awaited.AGENT_DONE), Pause(3000)),
                    *(Press("3"), Wait(Awaited.AGENT_DONE), Hangup()),
                ),
            )
            record = await service.record()
            assert result.problem == ""
            (file,) = (service.lab.pbx.directory / "spool/recording").glob(f"{record['call_id']}*.wav")
            with wave.open(str(file)) as opened:
                pcm = np.frombuffer(opened.readframes(opened.getnframes()), np.int16)
                seconds = len(pcm) / opened.getframerate()
        assert dbfs(pcm) > -50
        assert 1.0 < seconds < 4.5, "the pause is left out"

    run(main())


# ------------------------------------------------------------------ digits that nobody may keep

CARD = "4111122223333"


def test_masked_digits_reach_the_dialplan_and_nothing_else(
    controlled: Any, run: Run, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with controlled(
            rule("1", "collect_digits", reply="Please type your card number.", digits="card"),
            rule("2", "transfer", destination="voicemail"),
            digits={"card": {"min": 12, "max": 19, "variable": "CARD"}},
            store={"file": tmp_path / "calls.sqlite"},
        ) as service:

            async def look() -> str:
                await service.seen_tool("collect_digits")
                return await _caller_variable(service.lab.pbx, "CARD")

            looking = asyncio.create_task(look())
            result = await place_call(
                service.lab,
                scenario(Press("1"), Pause(1500), Press(f"{CARD}#"), Wait(Awaited.AGENT_DONE), Hangup()),
            )
            record = await service.record()
            assert await looking == CARD
        assert result.problem == ""
        assert "13 digits" in said(record)
        kept_of_it = b"".join(file.read_bytes() for file in tmp_path.glob("calls.sqlite*"))
        assert b"collect_digits" in kept_of_it, "the store was written"
        for text in (json.dumps(record), repr(service.events), caplog.text, kept_of_it.decode("latin-1")):
            for kept in (CARD, "4111", "[digit 4]"):
                assert kept not in text
        assert [digit["digit"] for digit in record["digits"]] == ["1"]

    run(main())


async def _caller_variable(pbx: AsteriskServer, name: str) -> str:
    async with pbx.ari_session() as session:
        async with session.get("/ari/channels") as answer:
            channels = [item["id"] for item in await answer.json() if item["name"].startswith("PJSIP/")]
        async with session.get(f"/ari/channels/{channels[0]}/variable", params={"variable": name}) as answer:
            return str((await answer.json())["value"])


# ------------------------------------------------------------------ somebody else


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


# ------------------------------------------------------------------ from outside: the HTTP API

TOKEN = "a-token-for-tests"


@asynccontextmanager
async def calling(service: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the HTTP API."""
    settings = WebSettings.model_validate({"port": 0, "token": TOKEN})
    async with (
        api.serving(settings, service.inside.switchboard) as (host, port),
        aiohttp.ClientSession(
            f"http://{host}:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as session,
    ):
        yield session


async def do(session: aiohttp.ClientSession, verb: str, **arguments: Any) -> str:
    """The verb on the one call that is up."""
    for _ in range(200):
        async with session.get("/calls") as answer:
            calls = (await answer.json())["calls"]
        if calls:
            break
        await asyncio.sleep(0.05)
    async with session.post(f"/calls/{calls[0]['call_id']}/{verb}", json=arguments) as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["result"])


def test_a_person_holds_and_takes_back_over_http(controlled: Any, run: Run) -> None:
    async def main() -> None:
        async with controlled() as service, calling(service) as session:
            call = asyncio.create_task(
                place_call(
                    service.lab,
                    scenario(
                        Pause(4000), Say("what are your opening hours"), Wait(Awaited.AGENT_DONE), Hangup()
                    ),
                )
            )
            await service.seen(LiveKind.AGENT_SAYS)
            await do(session, "hold")
            await asyncio.sleep(1.5)
            await do(session, "unhold")
            result = await call
            record = await service.record()
        assert result.problem == ""
        recording = result.recording
        assert tone_s(recording.agent, MUSIC_HZ, recording.rate_hz) >= 0.8
        assert "nine to five" in said(record)

    run(main())


def test_a_supervisor_listens_and_whispers(controlled: Any, run: Run) -> None:
    """The whisperer is a tone, which only the level takes for a voice: no words, but it stops the agent."""

    async def main() -> None:
        async with controlled(media={"voice_activity": "energy"}) as service, calling(service) as session:
            heard = Kept(service.lab, "7006")
            call = asyncio.create_task(place_call(service.lab, scenario(Pause(9000), Hangup())))
            await service.seen(LiveKind.AGENT_SAYS)
            assert "hears the call" in await do(session, "supervise", destination="boss", mode="whisper")
            result = await call
            await service.record()
            assert dbfs(await heard.pcm()) > -45, "the supervisor hears the agent's answer"
            kinds = [event.kind for event in service.events]
        assert result.problem == ""
        recording = result.recording
        assert tone_s(recording.agent, SUPERVISOR_HZ, recording.rate_hz) < 0.5, "not for the caller"
        assert LiveKind.AGENT_PAUSED in kinds or LiveKind.CALLER_SAID in kinds

    run(main())


def test_a_call_is_placed_and_a_person_gets_the_agent(controlled: Any, run: Run) -> None:
    """By FreePBX's contexts; the plain ones sort the machine below."""

    async def main() -> None:
        campaign = {**OUTBOUND, "context": "ari-bridge-freepbx-outbound"}
        async with (
            controlled(outbound={"campaign": campaign}) as service,
            calling(service) as session,
        ):
            async with session.post("/calls", json={"outbound": "campaign", "number": "7010"}) as answer:
                call_id = (await answer.json())["call_id"]
            assert (await service.seen(LiveKind.AGENT_SAYS)).call_id == call_id
            assert "ends" in await do(session, "hangup")
            record = await service.record()
            assert record["call_id"] == call_id
            assert "HUMAN:" in await _amd(service.lab.pbx)

    run(main())


def test_a_machine_gets_the_message_and_no_agent(controlled: Any, run: Run, lab: Lab) -> None:
    async def main() -> None:
        heard = Kept(lab, "7011")
        message = str(lab.pbx.directory / "music/hold")
        async with (
            controlled(
                outbound={"campaign": {**OUTBOUND, "variables": {"ARIBRIDGEDROP": message}}}
            ) as service,
            calling(service) as session,
        ):
            async with session.post("/calls", json={"outbound": "campaign", "number": "7011"}) as answer:
                assert answer.status == 202
            assert await log_says(lab.pbx, 'Playback("PJSIP/carrier', within_s=20)
            await asyncio.sleep(2.0)
            await lab.carrier.cli("channel request hangup all")
            record = await service.record()
            assert record["variables"]["ARIBRIDGECAUSE"] == "MACHINE"
            assert service.events == [], "no agent"
        await asyncio.sleep(0.5)
        assert tone_s(await heard.pcm(), MUSIC_HZ, 8000) >= 1.0, "the message"

    run(main())


@pytest.mark.parametrize(
    ("number", "cause"),
    [("7001", "USER_BUSY"), ("7002", "NO_ANSWER"), ("7003", "REJECTED"), ("7099", "UNREACHABLE")],
)
def test_who_is_not_reached_is_told_and_recorded(controlled: Any, run: Run, number: str, cause: str) -> None:
    async def main() -> None:
        campaign = {**OUTBOUND, "ring_s": 2}
        async with controlled(outbound={"campaign": campaign}) as service, calling(service) as session:
            async with session.post("/calls", json={"outbound": "campaign", "number": number}) as answer:
                call_id = (await answer.json())["call_id"]
            record = await service.record()
            async with session.get(f"/calls/{call_id}") as answer:
                assert await answer.json() == {"state": "ended", "status": "NOT_REACHED", "cause": cause}
        assert (record["call_id"], record["caller_number"]) == (call_id, number)
        assert record["variables"]["ARIBRIDGESTATUS"] == "NOT_REACHED"
        assert record["variables"]["ARIBRIDGECAUSE"] == cause

    run(main())


OUTBOUND = {"endpoint": "PJSIP/{number}@carrier", "agent": "reception", "ring_s": 10}


async def _amd(pbx: AsteriskServer) -> str:
    log = (pbx.directory / "log/full").read_text("utf-8", "replace")
    return "\n".join(line for line in log.splitlines() if "AMD" in line)
