"""`ari-bridge latency`: what callers waited for, drawn from a call's record."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ari_bridge.cli.command import Command
from ari_bridge.core.errors import SettingsError
from ari_bridge.store.waterfall import Answer, draw

STDOUT = "-"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", type=Path, help="a call's JSON, of [records] or of the demo")
    parser.add_argument(
        "--out",
        default="",
        metavar="FILE",
        help="the picture; RECORD.waterfall.svg by default, - is stdout",
    )


def _run(arguments: argparse.Namespace) -> int:
    source: Path = arguments.record
    picture = picture_of(source)
    if arguments.out == STDOUT:
        sys.stdout.write(picture)
        return 0
    target = Path(arguments.out) if arguments.out else source.with_suffix(".waterfall.svg")
    try:
        target.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write {target}: {error.strerror}") from None
    print(target)
    return 0


def picture_of(source: Path) -> str:
    """Of the record in that file. Raises SettingsError where it is none."""
    try:
        call = json.loads(source.read_text(encoding="utf-8"))
        answers = [Answer(str(turn["text"]), _latency_ms(turn)) for turn in call["turns"] if _answers(turn)]
        title = f"Call to {call['did'] or call['agent']}, agent {call['agent']}: what the caller waited for"
    except OSError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f"{source}: not a call's record") from None
    return draw(title, answers)


def _answers(turn: dict[str, Any]) -> bool:
    return turn["who"] == "agent" and bool(turn["latency_ms"])


def _latency_ms(turn: dict[str, Any]) -> dict[str, float]:
    return {str(stamp): float(at_ms) for stamp, at_ms in turn["latency_ms"].items()}


COMMAND = Command(
    name="latency",
    summary="draw what a caller waited for, answer by answer, from a call's record",
    arguments=_arguments,
    run=_run,
)
