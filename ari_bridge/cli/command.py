"""What a subcommand is: one file, one `Command`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    summary: str
    """One line, for `ari-bridge --help`."""
    arguments: Callable[[argparse.ArgumentParser], None]
    """Adds the subcommand's own arguments."""
    run: Callable[[argparse.Namespace], int]
    """Returns the exit code. Raises AriBridgeError."""
    epilog: str = ""
    """Longer help, below the arguments."""
