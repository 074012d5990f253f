"""The subcommand itself: `ari-bridge providers` and `ari-bridge providers test NAME`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from ari_bridge import settings
from ari_bridge.cli import logs
from ari_bridge.cli.command import Command
from ari_bridge.cli.providers.listing import Entry, entries
from ari_bridge.cli.providers.trial import Trial, try_out
from ari_bridge.cli.run import default_config
from ari_bridge.cli.terminal import Colour, paint, printable, wants_colour
from ari_bridge.core.errors import ProviderError, SettingsError
from ari_bridge.providers.base import Kind, Usage
from ari_bridge.providers.registry import build_provider, provider_of
from ari_bridge.settings import Settings

HEADINGS = {
    Kind.STT: "speech to text",
    Kind.LLM: "language models",
    Kind.TTS: "text to speech",
    Kind.SPEECH: "speech to speech",
    Kind.TURN: "turn detectors",
}
TEXT = "What are your opening hours?"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="CONFIG", help="the TOML file (default: as for run)")
    parser.add_argument("--json", action="store_true", help="for programs")
    ways = parser.add_subparsers(title="what else to do", metavar="WAY", dest="way")
    test = ways.add_parser("test", help="one round trip to an engine, with its latencies")
    test.add_argument("name", metavar="NAME", help="of a table [providers.NAME], or of a provider")
    test.add_argument("--text", default=TEXT, help="to be understood, answered or spoken (%(default)s)")
    test.add_argument("--rate", type=int, choices=(8000, 16000), default=8000, help="of the audio, in Hz")
    test.add_argument("--language", default="en", metavar="TAG", help="default: %(default)s")


def _run(arguments: argparse.Namespace) -> int:
    chosen = _settings(arguments)
    logs.set_up(chosen.log.level)
    if arguments.way == "test":
        return asyncio.run(_test(chosen, arguments))
    listed = asyncio.run(entries(chosen))
    if arguments.json:
        print(json.dumps([entry.to_dict() for entry in listed], ensure_ascii=False, indent=2))
    else:
        _show(listed)
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    """Without a file of settings there still are providers to list."""
    if arguments.config is not None:
        return settings.load(arguments.config)
    try:
        path = default_config()
    except SettingsError:
        return Settings()
    return settings.load(path)


def _show(listed: list[Entry]) -> None:
    colours = wants_colour(sys.stdout)
    width = max(len(entry.name) for entry in listed)
    for kind in Kind:
        of_kind = [entry for entry in listed if entry.kind is kind]
        if not of_kind:
            continue
        print(paint(HEADINGS[kind], Colour.BOLD, colours))
        for entry in of_kind:
            colour = Colour.RED if entry.trouble else Colour.GREEN if entry.used_by else Colour.PLAIN
            notes = [entry.summary]
            if entry.used_by:
                notes.append(f"used by {', '.join(entry.used_by)}")
            if entry.trouble and entry.is_configured:
                notes.append(entry.trouble)
            print(f"  {paint(entry.name.ljust(width), colour, colours)}  {'; '.join(notes)}")


async def _test(chosen: Settings, arguments: argparse.Namespace) -> int:
    provider = provider_of(chosen, arguments.name)
    engine = build_provider(chosen, provider.kind, arguments.name)
    try:
        trial = await try_out(provider.kind, engine, arguments.text, arguments.rate, arguments.language)
    except ProviderError as error:
        raise ProviderError(f"{arguments.name}: {error}", retryable=error.retryable) from None
    finally:
        await engine.close()
    if arguments.json:
        print(json.dumps(_as_json(arguments.name, provider.kind, trial), ensure_ascii=False))
        return 0
    print(f"{arguments.name}: {printable(trial.answer) or '(nothing)'}")
    for name, time_ms in trial.times_ms:
        print(f"  {name:36} {time_ms:8.0f} ms")
    for usage in trial.usage:
        print(f"  {'usage':36} {_cost(usage)}")
    return 0


def _as_json(name: str, kind: Kind, trial: Trial) -> dict[str, object]:
    times = {label: round(time_ms, 1) for label, time_ms in trial.times_ms}
    return {"name": name, "kind": kind.value, "answer": trial.answer, "times_ms": times}


def _cost(usage: Usage) -> str:
    parts = [
        (usage.input_tokens, "tokens in"),
        (usage.cached_tokens, "of them cached"),
        (usage.output_tokens, "tokens out"),
        (round(usage.audio_s, 2), "s of audio"),
        (usage.characters, "characters"),
    ]
    counted = ", ".join(f"{amount} {unit}" for amount, unit in parts if amount)
    return f"{usage.service}: {counted or 'nothing'}"


COMMAND = Command(
    name="providers",
    summary="list the engines there are and which are in use, or try one out",
    arguments=_arguments,
    run=_run,
    epilog="Keys are read from files or the environment (docs/providers.md) and never shown.",
)
