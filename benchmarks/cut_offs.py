"""Callers cut off, and how long whole turns wait for their answers.

    python benchmarks/cut_offs.py [--json FILE]

Calls in virtual time, as scenarios are (docs/scenarios.md), with the default settings: real media engine,
voice activity and dialogue, a recogniser that knows the words, a model that takes MODEL_MS. Callers pause for
300 to 900 ms inside a turn, once or at each group of a number; some for 1000 to 1500 ms. Their voices are
espeak-ng's, and that of "recorded speech" a person's: Asterisk's prompts, which need PyAV.

    cut off     the agent is heard between the caller's first word and the last
    withdrawn   the turn was taken for finished at a pause, and the answer dropped before a sound of it
    heard out   neither

Of turns without a pause: from the end of the caller's last word to the agent's first sound. Ends with 1 where
more than 5 % of the callers who pause for up to 900 ms are cut off.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from cut_off_cases import PROMPT_GAP_MS, Case, Voice, cases, prompts_of

import ari_bridge.scenario
from ari_bridge import settings
from ari_bridge.core.audio import Pcm16, samples
from ari_bridge.dialogue.live import LiveKind
from ari_bridge.providers.tts.espeak import synthesize
from ari_bridge.sandbox import packages, voices
from ari_bridge.sandbox.scenario import Scenario
from ari_bridge.scenario import pipeline
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.soundings import Soundings

CONFIG = Path(ari_bridge.scenario.__file__).parent / "shipped" / "ari_bridge.toml"
MODEL_MS = 300
"""To its first token; the voice takes some ms more."""
CUT_SHARE = 0.05
RECORDED_HZ = 8000


@dataclass(frozen=True)
class Measured:
    codec: str
    group: str
    text: str
    voice: str
    cut_off: bool
    withdrawn: bool
    response_ms: float
    """From the caller's last word."""


def measure(codec: str, case: Case, turns: dict[str, Any]) -> Measured:
    """Play one call."""
    file = _file(codec, case, turns)

    def speech_for(script: Scenario, rate_hz: int) -> dict[str, Pcm16]:
        return {text: _spoken(text, case.voice, rate_hz) for text in script.lines}

    with mock.patch.object(pipeline, "speech_for", speech_for):
        played = pipeline.play(file, settings.load(CONFIG, file.settings))
    soundings = Soundings(file.scenario(), played)
    first, last = soundings.said[0].span, soundings.said[-1].span
    cut_off = any(first.start_ms < run.start_ms < last.end_ms for run in soundings.agent)
    taken = [played.at_ms(event.at_s) for event in played.live if event.kind is LiveKind.CALLER_SAID]
    return Measured(
        codec=codec,
        group=case.group,
        text=_described(case),
        voice=case.voice.name or "recorded",
        cut_off=cut_off,
        withdrawn=not cut_off and any(at_ms < last.end_ms for at_ms in taken),
        response_ms=next((r.start_ms for r in soundings.agent if r.start_ms > last.end_ms), np.inf)
        - last.end_ms,
    )


def _described(case: Case) -> str:
    pauses = [f" | {pause_ms} ms | " for pause_ms in case.pauses_ms]
    return "".join(piece + pause for piece, pause in zip(case.turn.pieces, [*pauses, ""], strict=True))


def _file(codec: str, case: Case, turns: dict[str, Any]) -> ScenarioFile:
    steps: list[dict[str, Any]] = [{"waits_for": "agent_done"}]
    for number, piece in enumerate(case.turn.pieces):
        if number:
            steps.append({"is_silent_ms": case.pauses_ms[number - 1]})
        steps.append({"says": piece})
    steps.append({"waits_for": "agent_done"})
    desk = {"greeting": case.turn.asked, "turns": turns}
    return ScenarioFile.model_validate(
        {
            "agent": "desk",
            "understands": "exactly",
            "codec": codec,
            "model": [{"says": "Thank you, I have noted that.", "after_ms": MODEL_MS}],
            "steps": steps,
            "settings": {"agents": {"desk": desk}},
            "expect": {},
        }
    )


@lru_cache(maxsize=512)
def _spoken(text: str, voice: Voice, rate_hz: int) -> Pcm16:
    pcm = _synthetic(text, voice, rate_hz) if voice.name else _recorded(text, rate_hz)
    loudest = int(np.max(np.abs(pcm.astype(np.int32)), initial=1))
    peak = voices.PEAK * 32767 * 10 ** (voice.gain_db / 20)
    spoken: Pcm16 = np.rint(pcm * (peak / loudest)).astype(np.int16)
    return spoken


def _synthetic(text: str, voice: Voice, rate_hz: int) -> Pcm16:
    return voices.trimmed(synthesize(text, rate_hz, voice.name, voice.rate_wpm))


def _recorded(text: str, rate_hz: int) -> Pcm16:
    """The prompts that say it, one after the other."""
    import av

    gap = np.zeros(samples(PROMPT_GAP_MS, RECORDED_HZ), np.int16)
    pieces: list[Pcm16] = []
    for name in prompts_of(text):
        with av.open(str(_prompts() / f"{name}.gsm"), format="gsm") as file:
            pcm = np.concatenate([frame.to_ndarray().ravel() for frame in file.decode(audio=0)])
        pieces += [voices.trimmed(pcm), gap]
    return voices.resampled(np.concatenate(pieces[:-1]), RECORDED_HZ, rate_hz)


@lru_cache(maxsize=1)
def _prompts() -> Path:
    """Where Asterisk's English prompts lie."""
    sounds = packages.find_asterisk(lambda _line: None).data / "sounds"
    return next(found.parent for found in sorted(sounds.glob("*/vm-youhave.gsm")))


def _has_recordings() -> bool:
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


# ------------------------------------------------------------------ all of them


def run(chosen: Sequence[tuple[str, Case]], turns: dict[str, Any], parallel: int) -> list[Measured]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(parallel, context, _quieten) as pool:
        pending = [pool.submit(measure, codec, case, turns) for codec, case in chosen]
        return [future.result() for future in pending]


def _quieten() -> None:
    logging.getLogger("ari_bridge").setLevel(logging.CRITICAL)


def tell(found: Sequence[Measured]) -> bool:
    """Print the tables; whether few enough are cut off."""
    paused = [one for one in found if not one.group.startswith("whole")]
    told = [one for one in paused if not one.group.startswith("longer")]
    print("| pauses inside a turn | n | cut off | withdrawn unheard | heard out |")
    print("|---|---|---|---|---|")
    groups = {"**all of 300 to 900 ms**": told}
    groups |= {group: [one for one in paused if one.group == group] for group in _groups(paused)}
    for group, members in groups.items():
        if members:
            cut, withdrawn = sum(one.cut_off for one in members), sum(one.withdrawn for one in members)
            shares = [
                f"{100 * n / len(members):.0f} %" for n in (cut, withdrawn, len(members) - cut - withdrawn)
            ]
            print(f"| {group} | {len(members)} | {' | '.join(shares)} |")
    print("\n| turns without a pause | n | answered after: p50 | p90 ms |\n|---|---|---|---|")
    whole = [one for one in found if one.group.startswith("whole")]
    for group in _groups(whole):
        times = [one.response_ms for one in whole if one.group == group]
        p50, p90 = np.quantile(times, (0.5, 0.9), method="higher")
        print(f"| {group.partition(': ')[2]} | {len(times)} | {p50:.0f} | {p90:.0f} |")
    print()
    for one in found:
        if one.cut_off:
            print(f"cut off, {one.codec}, {one.group}: {one.text} ({one.voice})")
    return sum(one.cut_off for one in told) <= CUT_SHARE * len(told)


def _groups(found: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(one.group for one in found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--codec", choices=("ulaw", "g722"), help="only this: ulaw is 8 kHz, g722 16 kHz")
    parser.add_argument("--match", default="", help="only the groups with this in their name")
    parser.add_argument("--end-of-turn-ms", type=int, help="instead of the default")
    parser.add_argument("--fixed", action="store_true", help="the same silence after every turn")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    turns: dict[str, Any] = {"end_of_turn": "fixed"} if options.fixed else {}
    if options.end_of_turn_ms is not None:
        turns["end_of_turn_ms"] = options.end_of_turn_ms
    if not _has_recordings():
        print("without recorded speech: there is no PyAV (av)", file=sys.stderr)
    chosen = [
        (codec, case)
        for codec in ("ulaw", "g722")
        if options.codec in (None, codec)
        for case in cases()
        if options.match in case.group and (case.voice.name or _has_recordings())
    ]
    found = run(chosen, turns, options.parallel)
    keeps = tell(found)
    if options.json:
        report = [asdict(one) for one in found]
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(int(not keeps))


if __name__ == "__main__":
    main()
