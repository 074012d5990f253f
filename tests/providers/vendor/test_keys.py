from __future__ import annotations

from pathlib import Path

import pytest

from ari_bridge.core.errors import SettingsError
from ari_bridge.providers.vendor.keys import KeyOptions

SECRET = "sk-very-secret"


class Options(KeyOptions):
    api_key_env: str = "ACME_API_KEY"


def test_a_file_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", " from-env\n")
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    assert Options().key().get_secret_value() == "from-env"
    key = Options(api_key_file=file).key()
    assert key.get_secret_value() == SECRET
    assert SECRET not in repr(key)


def test_each_way_of_having_no_key_says_what_to_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    empty, odd = tmp_path / "empty", tmp_path / "odd"
    empty.write_text("\n")
    odd.write_text("sk-1\nsk-2\n")
    for options, says in [
        (Options(), "api_key_file: there is no key; name a file, or set ACME_API_KEY"),
        (Options(api_key_file=empty), f"api_key_file: {empty} is empty"),
        (Options(api_key_file=tmp_path / "none"), "api_key_file: cannot read "),
        (Options(api_key_file=odd), "api_key_file: the key holds characters that no key has"),
    ]:
        with pytest.raises(SettingsError) as raised:
            options.key()
        assert str(raised.value).startswith(says)
    assert Options().key(needed=False).get_secret_value() == ""
