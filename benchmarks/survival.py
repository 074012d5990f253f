"""The long version of tests/end_to_end/test_live_survival.py, with the numbers that are promised.

    python -m benchmarks.survival drops [100]     drops of the events WebSocket during calls
    python -m benchmarks.survival setups [1000]   set-ups with 0-50 ms of delay on every answer and event
    python -m benchmarks.survival pace [300]      set-ups at ten calls a second, from Stasis() to bridged
    python -m benchmarks.survival kills [200]     calls, while processes are killed or stand still

Each prints its figures, and ends with 1 where one does not hold. Needs the sandbox's Asterisk; takes minutes.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from ari_bridge.dialogue.live import LiveEvent
from ari_bridge.sandbox.caller import CallerEventKind, CallerResult, place_call
from ari_bridge.sandbox.lab import Lab, open_lab
from ari_bridge.sandbox.proxy import Kind, Proxy, Refusal, proxying
from ari_bridge.sandbox.scenario import Awaited, Hangup, Pause, Say, Scenario, Wait
from ari_bridge.service import Service
from ari_bridge.settings import Settings
from tests.end_to_end.conftest import SCRIPT
from tests.end_to_end.worker import Worker
from tests.pbx.helpers import SilentPlane, eventually, serving, talk_until_gone
from tests.pbx.live import lab_settings, listing
from tests.pbx.test_live_calls import Seen, talkative

CALLS_AT_ONCE = 3

PACE_HZ = 10
PACE_CALL_S = 4.0
PACE_P99_S = 0.1

DARK_S = 10.0
KNOCKS_HZ = 4.0
"""Connections that may be tried each second while nobody is there; each try is two, for a GET whose
connection breaks at once is sent again on another."""


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, round(share * len(values)))] if values else float("nan")


def gaps(result: CallerResult, over_ms: float) -> list[tuple[float, float]]:
    """When they ended, and how long they were."""
    first = result.first(CallerEventKind.AGENT_STARTED)
    pairs = pairwise(at_s for at_s in result.arrivals_s if first is not None and at_s >= first.at_s)
    found = [(after, (after - before) * 1000 - 20) for before, after in pairs]
    return [(at_s, gap_ms) for at_s, gap_ms in found if gap_ms > over_ms]


async def drops(lab: Lab, count: int) -> bool:
    noticed: dict[str, list[float]] = {"reset": [], "close": [], "swallow": []}
    back: list[float] = []
    windows: list[tuple[float, float]] = []
    async with proxying(lab.pbx.http_port) as proxy:
        settings = Settings(
            asterisk={"url": proxy.url, "username": lab.pbx.ari_user, "password": lab.pbx.ari_password},
            agents={"reception": {"greeting": "Hello. How can I help you?"}},
            providers={"script": {"script_file": str(SCRIPT)}},
        )
        events: list[LiveEvent] = []
        service = Service(settings, observer=events.append)
        ready = asyncio.Event()
        running = asyncio.create_task(service.run(ready.set))
        await ready.wait()
        stop = asyncio.Event()
        results: list[CallerResult] = []

        async def call_again() -> None:
            steps = (Wait(Awaited.AGENT_DONE), Pause(400), Say("tell me about the company"))
            while not stop.is_set():
                results.append(
                    await place_call(
                        lab, Scenario(did="5000", codec="ulaw", steps=(*steps, Pause(8000), Hangup()))
                    )
                )

        callers = [asyncio.create_task(call_again()) for _ in range(CALLS_AT_ONCE)]
        await asyncio.sleep(3)
        cpu = time.process_time()
        for number in range(count):
            how = ("reset", "close", "swallow")[number % 3]
            dropped_s = time.monotonic()
            {"reset": proxy.reset, "close": proxy.close, "swallow": proxy.swallow}[how](Kind.WEBSOCKET)
            await eventually(lambda: not service.ready, 6.0)
            noticed_s = time.monotonic()
            await eventually(lambda: service.ready, 6.0)
            back_s = time.monotonic()
            noticed[how].append(noticed_s - dropped_s)
            back.append(back_s - noticed_s)
            windows.append((dropped_s, back_s + 0.2))
            await asyncio.sleep(random.uniform(0.0, 0.4))
        cpu = time.process_time() - cpu
        stop.set()
        knocks_hz, dark_cpu = await darkness(proxy)
        await asyncio.gather(*callers)
        await eventually(lambda: service.ready, 6.0)
        running.cancel()
        await asyncio.wait({running})
    for result in results:
        for at_s, gap_ms in gaps(result, 40.0):
            since_s = min((at_s - dropped_s for dropped_s, _ in windows if at_s >= dropped_s), default=-1.0)
            into_s = at_s - result.arrivals_s[0]
            print(f"  a gap of {gap_ms:.0f} ms, {into_s:.1f} s into its call, {since_s:.2f} s after a drop")
    bad = [result.problem for result in results if result.problem]
    gap_ms = max(result.longest_gap_ms(*window) for result in results for window in windows)
    print(f"{count} drops, {len(results)} calls, {len(bad)} lost {bad[:3]}")
    for how, times in noticed.items():
        print(f"  {how}: noticed within {max(times, default=0):.3f} s")
    print(
        f"  back within: p50 {percentile(back, 0.5):.3f} s, p99 {percentile(back, 0.99):.3f} s,"
        f" max {max(back):.3f} s"
    )
    print(f"  longest gap at the callers within the outages: {gap_ms:.1f} ms; anywhere: "
          f"{max(result.longest_gap_ms() for result in results):.1f} ms; our CPU {cpu:.1f} s")  # fmt: skip
    print(f"  {DARK_S:.0f} s without Asterisk: {knocks_hz:.1f} knocks a second, {dark_cpu:.1%} of a core")
    quick = max(back) <= 2 and max(max(t, default=0) for t in noticed.values()) <= 5
    return not bad and gap_ms <= 40 and quick and knocks_hz <= KNOCKS_HZ


async def darkness(proxy: Proxy) -> tuple[float, float]:
    """Knocks a second and share of a core while every connection is refused."""
    proxy.refusal = Refusal.RESET
    proxy.reset()
    await asyncio.sleep(1.0)
    knocks, cpu = proxy.accepted, time.process_time()
    await asyncio.sleep(DARK_S)
    knocks, cpu = proxy.accepted - knocks, time.process_time() - cpu
    proxy.refusal = Refusal.NONE
    return knocks / DARK_S, cpu / DARK_S


async def setups(lab: Lab, count: int) -> bool:
    seen = Seen(talk_until_gone)
    plane = SilentPlane()
    failed = 0
    async with (
        proxying(lab.pbx.http_port) as slow,
        serving(lab_settings(lab, slow.url), plane, seen) as controller,
    ):
        slow.delay(0.05)
        for _ in range(count // 20):
            before = len(seen.calls)
            async with AsyncExitStack() as calls:
                for _ in range(20):
                    await calls.enter_async_context(talkative(lab))
                    await asyncio.sleep(0.02)
                try:
                    await eventually(lambda before=before: len(seen.calls) == before + 20, 10.0)
                except AssertionError:
                    failed += 20 - (len(seen.calls) - before)
            await eventually(lambda: controller.live_calls == 0, within_s=15.0)
        left = await made_by_us(lab)
    print(f"{count // 20 * 20} set-ups with up to 50 ms of delay: {failed} failed, {left} orphans")
    return failed == 0 and left == 0


async def pace(lab: Lab, count: int) -> bool:
    """Ten calls a second come in, each for four seconds, and are answered by the whole product. The clock is
    Asterisk's: an observer of all its events takes the time from Stasis(), just before StasisStart, to the
    caller's entering the bridge with the media leg."""
    worker = Worker(lab, Path(tempfile.mkdtemp(prefix="pace-")), str(SCRIPT))
    await worker.start()
    began: dict[str, datetime] = {}
    bridged: dict[str, datetime] = {}

    async def observe(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            event: dict[str, Any] = message.json()
            channel = event.get("channel", {}).get("id", "")
            at = datetime.fromisoformat(event["timestamp"])
            if event["type"] == "ChannelDialplan" and event["dialplan_app"] == "Stasis":
                began[channel] = at
            elif event["type"] == "ChannelEnteredBridge" and event["bridge"]["id"].startswith("aribridge-"):
                bridged.setdefault(channel, at)

    async def one() -> None:
        async with talkative(lab, speaks="4002"):
            await asyncio.sleep(PACE_CALL_S)

    query = {"app": "observer", "subscribeAll": "true"}
    async with lab.pbx.ari_session() as session, session.ws_connect("/ari/events", params=query) as socket:
        observing = asyncio.create_task(observe(socket))
        start_s = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as calls:
            for number in range(count):
                await asyncio.sleep(max(0.0, start_s + number / PACE_HZ - asyncio.get_running_loop().time()))
                calls.create_task(one())
        await asyncio.sleep(1.0)
        observing.cancel()
    await worker.stop()
    took_s = [(bridged[channel] - at).total_seconds() for channel, at in began.items() if channel in bridged]
    p99_s = percentile(took_s, 0.99)
    print(f"{count} calls, {PACE_HZ} a second, {len(took_s)} bridged: from Stasis() to bridged"
          f" p50 {percentile(took_s, 0.5) * 1000:.0f} ms, p99 {p99_s * 1000:.0f} ms,"
          f" max {max(took_s, default=0) * 1000:.0f} ms")  # fmt: skip
    return len(took_s) == len(began) == count and p99_s <= PACE_P99_S


async def kills(lab: Lab, count: int) -> bool:
    """At most three callers at a time, while something is killed or stopped every few seconds."""
    directory = Path(tempfile.mkdtemp(prefix="survival-"))
    worker = Worker(lab, directory, str(SCRIPT))
    await worker.start()
    done: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    left = count
    carrier_busy = asyncio.Semaphore(CALLS_AT_ONCE * 2)

    async def one() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with carrier_busy:
                steps = (Wait(Awaited.AGENT_STARTS, 8.0), Pause(random.randrange(200, 4000)), Hangup())
                try:
                    async with asyncio.timeout(40):
                        result = await place_call(lab, Scenario(did="5000", codec="ulaw", steps=steps))
                    done["talked" if not result.problem else result.problem] += 1
                except Exception as error:  # noqa: BLE001  a call may fail while its PBX is dead
                    done[type(error).__name__] += 1
                    await asyncio.sleep(0.5)

    async def strike() -> None:
        while left > 0:
            await asyncio.sleep(random.uniform(2.0, 5.0))
            what = random.choice(("bridge", "bridge", "media", "asterisk", "stop"))
            struck[what] += 1
            match what:
                case "bridge":
                    await worker.kill()
                    await worker.start()
                case "media":
                    os.kill(worker.media_pid, signal.SIGKILL)
                    await asyncio.sleep(1.0)
                    if not worker.running:
                        await worker.start()
                    elif worker.media_is_dead:
                        await worker.kill()
                        await worker.start()
                case "asterisk":
                    assert lab.pbx.pid is not None
                    os.kill(lab.pbx.pid, signal.SIGKILL)
                    await lab.pbx.restart()
                case "stop":
                    assert lab.pbx.pid is not None
                    os.kill(lab.pbx.pid, signal.SIGSTOP)
                    await asyncio.sleep(random.uniform(0.5, 3.0))
                    os.kill(lab.pbx.pid, signal.SIGCONT)

    striking = asyncio.create_task(strike())
    await asyncio.gather(*(one() for _ in range(CALLS_AT_ONCE * 2)))
    await striking
    await asyncio.sleep(5.0)
    orphans = await made_by_us(lab)
    result = await place_call(
        lab, Scenario(did="5000", codec="ulaw", steps=(Wait(Awaited.AGENT_STARTS), Hangup()))
    )
    await worker.stop()
    adopted = worker.log.count("its worker died; it goes on here")
    print(f"{count} calls, struck: {dict(struck)}; {dict(done)}; {adopted} adopted")
    print(f"  orphans 5 s after the last: {orphans}; a call after all: {result.problem or 'works'}")
    tracebacks = worker.log.count("Traceback")
    print(f"  tracebacks in the log: {tracebacks} ({directory}/log)")
    return orphans == 0 and not result.problem and tracebacks == 0


async def made_by_us(lab: Lab) -> int:
    made = [*await listing(lab.pbx, "channels"), *await listing(lab.pbx, "bridges")]
    return sum(item["id"].startswith("aribridge-") for item in made)


async def main() -> int:
    what = {"drops": (drops, 100), "setups": (setups, 1000), "pace": (pace, 300), "kills": (kills, 200)}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in what:
        print(__doc__)
        return 2
    measure, count = what[name]
    if len(sys.argv) > 2:
        count = int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:
        async with open_lab(Path(directory)) as lab:
            return 0 if await measure(lab, count) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
