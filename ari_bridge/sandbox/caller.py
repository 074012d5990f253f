"""The synthetic caller: plays a scenario in a real call, and keeps what was on its line."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import voices
from ari_bridge.sandbox.carrier_call import CarrierCall, open_call
from ari_bridge.sandbox.debian import Progress
from ari_bridge.sandbox.ear import Noticed
from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.line import Line, wire_for
from ari_bridge.sandbox.player import CallerEvent, CallerEventKind, Player
from ari_bridge.sandbox.recording import Recording
from ari_bridge.sandbox.scenario import Scenario

ANSWER_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class CallerResult:
    recording: Recording
    """From the answer to the end."""
    events: list[CallerEvent]
    """In the order in which they happened."""
    hangup_cause: str
    arrivals_s: Sequence[float] = ()
    """When each RTP packet reached the caller (monotonic)."""
    problem: str = ""
    """Why the scenario could not be played to its end; empty when it could."""

    def longest_gap_ms(self, from_s: float = 0.0, until_s: float = math.inf) -> float:
        """Since the agent was first heard: the longest time without a packet that ended between the two
        instants, beyond the 20 ms that there are between any two packets."""
        first = self.first(CallerEventKind.AGENT_STARTED)
        times_s = [at_s for at_s in self.arrivals_s if first is not None and at_s >= first.at_s]
        pairs = itertools.pairwise(times_s)
        gaps_s = (after - before for before, after in pairs if from_s <= after <= until_s)
        return max(gaps_s, default=0.0) * 1000 - 20

    def first(self, kind: CallerEventKind) -> CallerEvent | None:
        return next((event for event in self.events if event.kind is kind), None)


async def place_call(
    lab: Lab,
    scenario: Scenario,
    on_event: Callable[[CallerEvent], None] | None = None,
    *,
    progress: Progress | None = None,
) -> CallerResult:
    """Play `scenario` against the lab's PBX. Raises SandboxError when the call cannot be placed; what goes
    wrong in it is the result's `problem`."""
    if scenario.codec not in lab.carrier.codecs:
        known = ", ".join(lab.carrier.codecs)
        raise SandboxError(f"codec: this Asterisk has no {scenario.codec} (it has {known})")
    wire = wire_for(scenario.codec)
    tell = progress or (lambda _line: None)
    speech = await asyncio.to_thread(
        lambda: {
            text: voices.speak(text, scenario.voice, wire.spoken.rate_hz, tell) for text in scenario.lines
        }
    )
    noticed: SimpleQueue[Noticed] = SimpleQueue()
    line = Line(wire, noticed.put, scenario.line)
    try:
        async with open_call(lab.carrier) as call:
            player = Player(call, line, speech, noticed, on_event)
            answered_s = time.monotonic()
            peer = await call.attach_line(line.address, line.wire.format, scenario.caller_number)
            line.start(peer)
            player.tell(CallerEventKind.DIALLED, scenario.did)
            await call.dial(scenario.did, scenario.codec)
            if await _answered(call):
                answered_s = time.monotonic()
                player.tell(CallerEventKind.ANSWERED)
                await player.play(scenario)
            elif call.ended.is_set():
                cause = call.hangup_cause or "no cause given"
                player.problem = f"dialling: the call ended ({cause})"
            else:
                player.problem = f"dialling: nobody answered within {ANSWER_TIMEOUT_S:g} s"
            ended_s = time.monotonic()
            player.tell(CallerEventKind.HUNG_UP, "other side" if call.ended.is_set() else "caller")
        line.stop()
        player.report_heard()
        recording = await asyncio.to_thread(line.recording, answered_s, ended_s)
        return CallerResult(
            recording,
            sorted(player.events, key=lambda event: event.at_s),
            call.hangup_cause,
            line.arrivals_s(answered_s, ended_s),
            player.problem,
        )
    finally:
        line.stop()


async def _answered(call: CarrierCall) -> bool:
    """False: nobody answers, or the call has ended."""
    waits = [asyncio.create_task(event.wait()) for event in (call.answered, call.ended)]
    try:
        await asyncio.wait(waits, timeout=ANSWER_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return call.answered.is_set()
