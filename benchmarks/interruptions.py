"""What is promised of interruptions, measured: python benchmarks/interruptions.py [--json FILE]

278 calls for each of 8 and 16 kHz are played in virtual time as scenarios are (docs/scenarios.md): real media
engine, voice activity, dialogue and espeak-ng; a recogniser that knows the words. Times are measured by the
scenarios' own measures in the audio at the caller's end (ari_bridge/scenario/soundings.py):

    interruptions   from the first frame of the caller's words to the agent's last audible one
    backchannels,   from the end of the sound until the agent is heard again: 0 where it never stopped, or had
    noises          gone on before. Held: within 700 ms, not interrupted, the last sentence heard to its end,
                    and as much of the agent's speech on the wire as when nobody disturbs it
    pauses          the agent is heard between the first and the last of the caller's words

All voices and noises are synthetic. Ends with 1 where a promise is not held.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from unittest import mock

import numpy as np
from interruption_cases import GAINS_DB, SPEECH_DBFS, Case, Promise, Voice, cases, story

import ari_bridge.scenario
from ari_bridge import settings
from ari_bridge.core.audio import Pcm16
from ari_bridge.providers.tts.espeak import synthesize
from ari_bridge.sandbox import voices
from ari_bridge.sandbox.scenario import Scenario
from ari_bridge.sandbox.scenario import Voice as CallerVoice
from ari_bridge.scenario import pipeline
from ari_bridge.scenario.expectations import findings
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.played import Played
from ari_bridge.scenario.soundings import Soundings

CONFIG = Path(ari_bridge.scenario.__file__).parent / "shipped" / "ari_bridge.toml"
RATES_HZ = {"ulaw": 8000, "g722": 16000}
YIELDS_P95_MS, RESUMES_SHARE, CUT_SHARE = 300, 0.90, 0.05
LOST_MS = 80
"""So much less of the agent's speech is a word lost: a pause in the middle of it costs a frame's edges."""


@dataclass(frozen=True)
class Measured:
    codec: str
    promise: str
    group: str
    text: str
    voice: str
    pause_ms: int
    """Within the sentence; 0 where there is none."""
    held: bool
    ms: float | None
    """To silence, or until the agent went on; None for pauses, and where the case could not be played."""
    problems: tuple[str, ...]


def measure(codec: str, case: Case) -> Measured:
    """Play one call."""
    played = _played(case.file, case.voice)
    soundings = Soundings(case.file.scenario(), played)
    problems = [
        f"{found.expectation}: {found.problem}" for found in findings(case.file, played) if found.problem
    ]
    times: Sequence[tuple[str, float]] = ()
    match case.promise:
        case Promise.YIELDS:
            times = list(soundings.yields_ms())
        case Promise.RESUMES:
            times = list(soundings.resumes_ms())
            lost_ms = _story_ms(codec) - _spoken_ms(case.file, played)
            if lost_ms > LOST_MS:
                problems.append(f"{lost_ms:.0f} ms of the agent's speech are missing")
        case Promise.HEARS_OUT if not problems:
            first, last = soundings.said[0].span, soundings.said[-1].span
            if any(first.start_ms < run.start_ms < last.end_ms for run in soundings.agent):
                problems.append("the agent spoke into the pause")
    ms = times[0][1] if times else None
    voice = f"{case.voice.name} {case.voice.gain_db:+.0f} dB"
    pause_ms = next((step.is_silent_ms or 0 for step in case.file.steps if step.is_silent_ms), 0)
    return Measured(
        codec=codec,
        promise=case.promise.name,
        group=case.group,
        text=case.text,
        voice=voice,
        pause_ms=pause_ms if case.promise is Promise.HEARS_OUT else 0,
        held=not problems,
        ms=ms,
        problems=tuple(problems),
    )


@lru_cache(maxsize=2)
def _story_ms(codec: str) -> float:
    file = story(codec)
    return _spoken_ms(file, _played(file, Voice("en-us")))


def _spoken_ms(file: ScenarioFile, played: Played) -> float:
    """How long the agent is audible after the caller's question."""
    soundings = Soundings(file.scenario(), played)
    asked_ms = soundings.said[0].span.end_ms
    return sum(run.length_ms for run in soundings.agent if run.start_ms > asked_ms)


def _played(file: ScenarioFile, voice: Voice) -> Played:
    with _speaking(voice):
        return pipeline.play(file, settings.load(CONFIG, file.settings))


@contextmanager
def _speaking(voice: Voice) -> Iterator[None]:
    """The caller has this voice: scenarios know two, and one loudness."""

    def speech_for(script: Scenario, rate_hz: int) -> dict[str, Pcm16]:
        return {text: _spoken(text, voice, rate_hz) for text in script.lines}

    with mock.patch.object(pipeline, "speech_for", speech_for):
        yield


@lru_cache(maxsize=512)
def _spoken(text: str, voice: Voice, rate_hz: int) -> Pcm16:
    if voice.name == "flite":
        pcm = voices.speak(text, CallerVoice.FLITE, rate_hz)
    else:
        pcm = voices.trimmed(synthesize(text, rate_hz, voice.name, voice.rate_wpm))
    loudest = int(np.max(np.abs(pcm.astype(np.int32)), initial=1))
    peak = voices.PEAK * 32767 * 10 ** (voice.gain_db / 20)
    spoken: Pcm16 = np.rint(pcm * (peak / loudest)).astype(np.int16)
    return spoken


# ------------------------------------------------------------------ all of them


def run(chosen: Sequence[tuple[str, Case]], parallel: int) -> list[Measured]:
    began_s = time.monotonic()
    found = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(parallel, context, _quieten) as pool:
        for future in as_completed([pool.submit(measure, *one) for one in chosen]):
            found.append(future.result())
            wrong = sum(not one.held for one in found)
            took_s = time.monotonic() - began_s
            line = f"\r{len(found)} of {len(chosen)} calls, {wrong} not as promised, {took_s:.0f} s"
            print(line, end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return sorted(found, key=lambda one: (one.codec, one.promise, one.group, one.text))


def _quieten() -> None:
    logging.getLogger("ari_bridge").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Row:
    promise: Promise
    group: str
    """"all", or one of the promise's groups."""
    rate_hz: int
    n: int
    held: int
    p50_ms: float | None
    p95_ms: float | None
    max_ms: float | None

    @property
    def share(self) -> float:
        return self.held / self.n

    @property
    def keeps(self) -> bool:
        """The promise, which is about all."""
        match self.promise:
            case Promise.YIELDS:
                return self.p95_ms is not None and self.p95_ms <= YIELDS_P95_MS
            case Promise.RESUMES:
                return self.share >= RESUMES_SHARE
            case Promise.HEARS_OUT:
                return 1 - self.share <= CUT_SHARE

    def __str__(self) -> str:
        times = [f"{ms:.0f}" if ms is not None else "–" for ms in (self.p50_ms, self.p95_ms, self.max_ms)]
        cells = [f"{self.rate_hz // 1000} kHz", str(self.n), *times, f"{100 * self.share:.0f} %"]
        return f"| {self.group} | " + " | ".join(cells) + " |"


def rows(found: Sequence[Measured]) -> Iterator[Row]:
    """By promise and rate: of all, then of each group."""
    for promise in Promise:
        for codec, rate_hz in RATES_HZ.items():
            theirs = [one for one in found if one.promise == promise.name and one.codec == codec]
            of_default = [one for one in theirs if not one.group.startswith("the same")]
            groups = {"all": of_default} | {
                group: [one for one in theirs if one.group == group]
                for group in dict.fromkeys(case.group for case in cases(codec))
            }
            if promise is Promise.YIELDS:
                for level_dbfs, gain_db in ((SPEECH_DBFS + gain_db, gain_db) for gain_db in GAINS_DB):
                    members = [one for one in theirs if one.voice.endswith(f" {gain_db:+.0f} dB")]
                    groups[f"all lines, caller at {level_dbfs:.0f} dBFS"] = members
            if promise is Promise.HEARS_OUT:
                for low_ms, high_ms in ((300, 400), (500, 600), (700, 900)):
                    members = [one for one in of_default if low_ms <= one.pause_ms <= high_ms]
                    groups[f"pauses of {low_ms} to {high_ms} ms"] = members
            for group, members in groups.items():
                if members:
                    yield _row(promise, group, rate_hz, members)


def _row(promise: Promise, group: str, rate_hz: int, members: Sequence[Measured]) -> Row:
    times = [one.ms for one in members if one.ms is not None]
    p50, p95 = np.quantile(times, (0.5, 0.95), method="higher") if times else (None, None)
    held = sum(one.held for one in members)
    return Row(promise, group, rate_hz, len(members), held, p50, p95, max(times, default=None))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", choices=tuple(RATES_HZ), help="only this: ulaw is 8 kHz, g722 16 kHz")
    parser.add_argument("--match", default="", help="only the cases with this in their group or words")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chosen = [
        (codec, case)
        for codec in RATES_HZ
        if options.codec in (None, codec)
        for case in cases(codec)
        if options.match in f"{case.promise.name} {case.group} {case.text}"
    ]
    found = run(chosen, options.parallel)
    table = list(rows(found))
    promise = None
    for row in table:
        if row.promise is not promise:
            promise = row.promise
            print(f"\n| {promise.value} | rate | n | p50 ms | p95 ms | max ms | held |")
            print("|---|---|---|---|---|---|---|")
        print(row)
    print()
    for one in found:
        if not one.held:
            print(f"{one.codec} {one.group}: {one.text} ({one.voice}): {'; '.join(one.problems)}")
    if options.json:
        report = {
            "rows": [{**asdict(row), "promise": row.promise.name} for row in table],
            "calls": [_jsonable(one) for one in found],
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(int(not all(row.keeps for row in table if row.group == "all")))


def _jsonable(one: Measured) -> dict[str, object]:
    never = one.ms is not None and math.isinf(one.ms)
    return asdict(one) | ({"ms": "never"} if never else {})


if __name__ == "__main__":
    main()
