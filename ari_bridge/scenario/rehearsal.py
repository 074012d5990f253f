"""Scenarios played one by one or in parallel, in virtual time, each to its report."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ari_bridge import settings
from ari_bridge.core.errors import AriBridgeError, SettingsError
from ari_bridge.scenario import loading
from ari_bridge.scenario.expectations import findings
from ari_bridge.scenario.format import ScenarioFile
from ari_bridge.scenario.pipeline import play
from ari_bridge.scenario.played import Played
from ari_bridge.scenario.report import Report, Verdict, timeline, write_artefacts

CONFIG = "ari_bridge.toml"


@dataclass(frozen=True, slots=True)
class Task:
    """One scenario to be played."""

    name: str
    path: Path
    config: Path
    """The agent's settings."""
    artefacts: Path
    """Where a call that failed leaves its evidence."""


def tasks(place: Path, config: Path | None, artefacts: Path) -> list[Task]:
    """Of all scenarios below `place`, with `config` or else the `ari_bridge.toml` that lies nearest above
    each of them. Raises SettingsError."""
    base = place if place.is_dir() else place.parent
    found = []
    for path in loading.find(place):
        name = path.relative_to(base).with_suffix("").as_posix()
        found.append(Task(name, path, config or _nearest(path, base), artefacts))
    return found


def _nearest(path: Path, base: Path) -> Path:
    for folder in path.parents:
        if (folder / CONFIG).exists():
            return folder / CONFIG
        if folder == base:
            break
    raise SettingsError(f"{path}: there is no {CONFIG} beside it; name the agent's settings by --config FILE")


def run_all(chosen: Sequence[Task], parallel: int) -> Iterator[Report]:
    """The reports, in the order in which they are ready."""
    if parallel == 1 or len(chosen) == 1:
        yield from map(rehearse, chosen)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(parallel, len(chosen)), context, _quieten) as pool:
        for future in as_completed([pool.submit(rehearse, task) for task in chosen]):
            yield future.result()


def _quieten() -> None:
    logging.getLogger("ari_bridge").setLevel(logging.CRITICAL)


def rehearse(task: Task) -> Report:
    """Play one scenario. What is wrong with it, or with us, is in the report."""
    began_s = time.monotonic()
    try:
        file = loading.load(task.path)
        played = play(file, settings.load(task.config, file.settings))
    except AriBridgeError as error:
        return Report(task.name, Verdict.BROKEN, reason=str(error), took_s=time.monotonic() - began_s)
    except Exception as error:  # noqa: BLE001 - the root of one rehearsal: the others are played all the same
        reason = f"crashed: {_first(error)!r}"
        return Report(task.name, Verdict.BROKEN, reason=reason, took_s=time.monotonic() - began_s)
    return judged(task, file, played, time.monotonic() - began_s)


def judged(task: Task, file: ScenarioFile, played: Played, took_s: float) -> Report:
    """The report of a call that was played; one that failed leaves its artefacts."""
    found = tuple(findings(file, played))
    failed = any(finding.problem for finding in found)
    try:
        left = write_artefacts(task.name, played, found, task.artefacts) if failed else ()
    except OSError as error:
        return Report(task.name, Verdict.BROKEN, reason=f"cannot write {task.artefacts}: {error.strerror}")
    return Report(
        task.name,
        Verdict.FAILED if failed else Verdict.PASSED,
        found,
        timeline=timeline(played),
        call_s=played.evidence.duration_ms / 1000,
        took_s=took_s,
        artefacts=left,
    )


def _first(error: BaseException) -> BaseException:
    """What a task group's error is about."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
