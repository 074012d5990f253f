"""`ari-bridge`: finds the subcommand, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ari_bridge import __version__
from ari_bridge.cli import demo, init, latency, run, tools
from ari_bridge.cli.bench import command as bench
from ari_bridge.cli.providers import command as providers
from ari_bridge.cli.scenario import command as scenario
from ari_bridge.core.errors import AriBridgeError

COMMANDS = (
    run.COMMAND,
    demo.COMMAND,
    scenario.COMMAND,
    init.COMMAND,
    tools.COMMAND,
    providers.COMMAND,
    latency.COMMAND,
    bench.COMMAND,
)

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""

UNREAD = 141
"""And of one that wrote to a closed pipe."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except AriBridgeError as error:
        print(f"ari-bridge: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads our output any more (`… | head`). What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="ari-bridge",
        description="AI voice agents for an existing Asterisk.",
        epilog="`ari-bridge COMMAND --help` tells more of each.",
    )
    top.add_argument("--version", action="version", version=f"ari-bridge {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            epilog=command.epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return top


if __name__ == "__main__":
    sys.exit(main())
