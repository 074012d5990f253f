"""Vendors' keys: from a file or the environment, never from the settings themselves, never in a log."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from ari_bridge.core.errors import SettingsError


class KeyOptions(BaseModel):
    """The options with which a provider that needs a key begins its own. A vendor sets the default of
    `api_key_env` to the name its own tools use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key_file: Path | None = None
    """Comes before the environment."""
    api_key_env: str = ""
    """The environment variable that holds the key."""

    def key(self, *, needed: bool = True) -> SecretStr:
        """The key; "" where there is none and none is needed. Raises SettingsError, beginning with the option
        to mend."""
        if self.api_key_file is not None:
            try:
                key = self.api_key_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"api_key_file: cannot read {self.api_key_file}: {error.strerror}"
                ) from None
            if not key:
                raise SettingsError(f"api_key_file: {self.api_key_file} is empty")
        else:
            key = os.environ.get(self.api_key_env, "").strip() if self.api_key_env else ""
            if needed and not key:
                raise SettingsError(
                    f"api_key_file: there is no key; name a file, or set {self.api_key_env or 'api_key_env'}"
                )
        if not key.isascii() or not key.isprintable():
            raise SettingsError("api_key_file: the key holds characters that no key has")
        return SecretStr(key)
