"""The files a new installation starts from: settings, a password, the agent's script, a tool."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from ari_bridge.cli.shacrypt import sha512_crypt
from ari_bridge.core.errors import InternalError, SettingsError
from ari_bridge.sandbox.templates import render

SETTINGS = "ari_bridge.toml"
PASSWORD = "ari_password"
SCRIPT = "reception.toml"
TOOLS = "my_tools.py"
DIALPLAN = "asterisk/extensions.conf"
ARI_USER = "asterisk/ari_user.conf"
USERNAME = "ari_bridge"


def service_files(url: str, password: str) -> dict[str, str]:
    """What `ari-bridge run` needs: {path: text}."""
    values = {"url": url, "username": USERNAME}
    return {
        SETTINGS: _filled((files("ari_bridge.cli") / "starter" / SETTINGS).read_text("utf-8"), values),
        TOOLS: (files("ari_bridge.cli") / "starter" / TOOLS).read_text("utf-8"),
        SCRIPT: (files("ari_bridge.providers.llm") / "scripts" / SCRIPT).read_text("utf-8"),
        PASSWORD: password + "\n",
    }


def asterisk_files(password: str) -> dict[str, str]:
    """What Asterisk is to include: {path: text}."""
    hashed = sha512_crypt(password, secrets.token_hex(8))
    return {
        DIALPLAN: render("extensions.conf", {}),
        ARI_USER: render("ari_user.conf", {"ari_user": USERNAME, "ari_password_hash": hashed}),
    }


def write_all(directory: Path, contents: Mapping[str, str], *, overwrite: bool) -> None:
    """Write {path below `directory`: text}, or nothing when one is there already and must stay.

    The password's file is readable by its owner only. Raises SettingsError.
    """
    targets = {directory / path: text for path, text in contents.items()}
    there = [target for target in targets if os.path.lexists(target)]
    if there and not overwrite:
        raise SettingsError(f"{there[0]} is there already; give another DIR, or --force to overwrite")
    for target, text in targets.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(target, text, mode=0o600 if target.name == PASSWORD else 0o644)
        except OSError as error:
            raise SettingsError(f"cannot write {target}: {error.strerror}") from None


def _write(target: Path, text: str, *, mode: int) -> None:
    target.unlink(missing_ok=True)  # not through a link, and not with the mode of what was there
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _filled(template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise InternalError(f"{SETTINGS} wants a value for {match[1]}")
        return values[match[1]]

    return re.sub(r"\{\{(\w+)\}\}", value, template)
