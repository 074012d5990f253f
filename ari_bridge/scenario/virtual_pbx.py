"""The PBX of a call in virtual time: the caller's telephone on one side, what the agent sees on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ari_bridge.core.errors import RequestFailed
from ari_bridge.media.plane import MediaPort
from ari_bridge.pbx.call import CallerBack, CallerGone, CallerHeld, CallInfo, Digit, Outcome, PbxEvent, Status
from ari_bridge.pbx.control import Ear, Lost, Party, PartyLost
from ari_bridge.scenario.format import PersonFile
from ari_bridge.scenario.virtual_line import VirtualLine

HUMAN_ANSWERS_S = 1.0
"""After the call has left the agent for a person."""


class VirtualTelephone:
    """A sandbox.player.Telephone: what the caller does comes out as the PBX's events."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.events: asyncio.Queue[PbxEvent] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.hangup_cause = ""

    async def press(self, digits: str, *, duration_ms: int, between_ms: int) -> None:
        for digit in digits:
            await asyncio.sleep(duration_ms / 1000)
            self.events.put_nowait(Digit(digit, duration_ms, self._clock()))
            await asyncio.sleep(between_ms / 1000)

    async def hold(self) -> None:
        self.events.put_nowait(CallerHeld(self._clock()))

    async def unhold(self) -> None:
        self.events.put_nowait(CallerBack(self._clock()))

    def hang_up(self) -> None:
        self.events.put_nowait(CallerGone(self._clock()))

    def disconnected(self, cause: str) -> None:
        """The other side hangs up."""
        self.hangup_cause = cause
        self.ended.set()


class VirtualCall:
    """A PbxCall."""

    def __init__(
        self, info: CallInfo, port: MediaPort, telephone: VirtualTelephone, control: VirtualControl
    ) -> None:
        self._info, self._port, self._telephone, self._control = info, port, telephone, control

    @property
    def info(self) -> CallInfo:
        return self._info

    @property
    def port(self) -> MediaPort:
        return self._port

    @property
    def control(self) -> VirtualControl:
        return self._control

    async def next_event(self) -> PbxEvent:
        return await self._telephone.events.get()


class VirtualControl:
    """A CallControl that notes what is asked of it."""

    def __init__(self, person: PersonFile | None) -> None:
        self._person = person
        self.done: list[str] = []
        self.secrets: dict[str, str] = {}
        self._recording = False

    @property
    def recording(self) -> bool:
        return self._recording

    async def hold(self) -> None:
        self.done.append("hold")

    async def unhold(self) -> None:
        self.done.append("unhold")

    async def stop_music(self) -> None:
        self.done.append("stop_music")

    async def mute(self) -> None:
        self.done.append("mute")

    async def unmute(self) -> None:
        self.done.append("unmute")

    async def send_digits(self, digits: str) -> None:
        self.done.append(f"send_digits {digits}")

    async def set_secret(self, name: str, value: str) -> None:
        self.done.append(f"set_secret {name}")
        self.secrets[name] = value

    async def has_place(self, context: str, exten: str, priority: int = 1) -> bool:
        return True

    async def ring(self, endpoint: str, *, within_s: float) -> Party:
        self.done.append(f"ring {endpoint}")
        if self._person is None:
            raise RequestFailed(f"{endpoint}: the scenario has no `person`", status=500)
        return _RungPerson(self._person, within_s, self.done)

    async def start_recording(self) -> str:
        self.done.append("start_recording")
        self._recording = True
        return "rehearsed"

    async def pause_recording(self) -> None:
        self.done.append("pause_recording")

    async def resume_recording(self) -> None:
        self.done.append("resume_recording")

    async def stop_recording(self) -> None:
        self.done.append("stop_recording")
        self._recording = False

    async def let_listen(self, endpoint: str, ear: Ear, *, within_s: float) -> None:
        self.done.append(f"{ear.name.lower()} {endpoint}")


class _RungPerson:
    """A Party: answers, and presses its keys one a second."""

    def __init__(self, person: PersonFile, within_s: float, done: list[str]) -> None:
        self._person, self._within_s, self._done = person, within_s, done
        self._keys = list(person.presses)

    async def answered(self) -> None:
        if self._person.is_busy:
            raise PartyLost(Lost.BUSY)
        after_s = self._person.answers_after_ms / 1000
        await asyncio.sleep(min(after_s, self._within_s))
        if after_s > self._within_s:
            raise PartyLost(Lost.NO_ANSWER)

    async def digit(self) -> str:
        if not self._keys:
            await asyncio.Event().wait()
        await asyncio.sleep(1.0)
        return self._keys.pop(0)

    async def join(self) -> None:
        self._done.append("join")

    async def leave(self) -> None:
        self._done.append("leave")

    def hand_over(self) -> str:
        self._done.append("hand_over")
        return "Virtual/person-1"

    async def hang_up(self) -> None:
        self._done.append("hang_up_person")


async def dialplan(outcome: Outcome, telephone: VirtualTelephone, line: VirtualLine) -> None:
    """What becomes of the caller when the agent has let go of the call."""
    if outcome.status in _LEAD_TO_PEOPLE:
        await asyncio.sleep(HUMAN_ANSWERS_S)
        line.person_answers()
    else:
        telephone.disconnected("Normal Clearing")


_LEAD_TO_PEOPLE: Sequence[Status] = (Status.TRANSFER, Status.FAILED)
"""As the shipped dialplan has it: a transfer's place, and the fallback."""
