"""`ari-bridge init`: what an existing Asterisk and a new ari_bridge need to know of each other."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from pydantic import ValidationError

from ari_bridge.cli import files
from ari_bridge.cli.command import Command
from ari_bridge.core.errors import SettingsError
from ari_bridge.settings import AsteriskSettings, explain

_NEXT_STEPS = """\
Written to {directory}:
  {settings:<26} the settings, commented
  {script:<26} what the agent `reception` says: edit it
  {tools:<26} functions that a language model may call: add yours
  {password:<26} the ARI password (only you can read it)
  {dialplan:<26} dialplan: DIDs to agents, and where calls go after
  {ari_user:<26} the ARI user, with the password's hash

Next:
  1. Give Asterisk its two files:
       cp -r {directory}/asterisk /etc/asterisk/ari_bridge
       echo '#include "ari_bridge/extensions.conf"' >> /etc/asterisk/extensions.conf
       echo '#include "ari_bridge/ari_user.conf"' >> /etc/asterisk/ari.conf
  2. See that http.conf says `enabled = yes` and `bindaddr = 127.0.0.1`, and ari.conf `enabled = yes`.
  3. asterisk -rx 'module reload http'; asterisk -rx 'module reload res_ari'; asterisk -rx 'dialplan reload'
  4. ari-bridge run {directory}/{settings}
  5. Put `include => ari-bridge-in` into the context where your trunk's calls come in, and dial 5000."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        type=Path,
        nargs="?",
        default=Path(),
        metavar="DIR",
        help="where to (default: here)",
    )
    parser.add_argument(
        "--url",
        default="http://127.0.0.1:8088",
        help="where Asterisk's HTTP server answers (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite files that are there already")


def _run(arguments: argparse.Namespace) -> int:
    directory: Path = arguments.directory
    try:
        url = AsteriskSettings(url=arguments.url).url
    except ValidationError as error:
        raise SettingsError(f"--{explain(error)}") from None
    password = secrets.token_urlsafe(32)
    contents = files.service_files(url, password) | files.asterisk_files(password)
    files.write_all(directory, contents, overwrite=arguments.force)
    print(
        _NEXT_STEPS.format(
            directory=directory,
            settings=files.SETTINGS,
            script=files.SCRIPT,
            tools=files.TOOLS,
            password=files.PASSWORD,
            dialplan=files.DIALPLAN,
            ari_user=files.ARI_USER,
        )
    )
    return 0


COMMAND = Command(
    name="init",
    summary="write the settings and the Asterisk snippets to start from",
    arguments=_arguments,
    run=_run,
    epilog="Nothing is overwritten without --force; nothing outside DIR is touched.",
)
