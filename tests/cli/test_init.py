from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ari_bridge import settings
from ari_bridge.cli.main import main
from ari_bridge.cli.shacrypt import sha512_crypt

WRITTEN = {
    "ari_bridge.toml",
    "ari_password",
    "reception.toml",
    "my_tools.py",
    "asterisk/ari_user.conf",
    "asterisk/extensions.conf",
}


def files_in(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_it_writes_settings_that_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "new"), "--url", "https://pbx.example:8089/"]) == 0
    assert files_in(tmp_path / "new") == WRITTEN
    loaded = settings.load(tmp_path / "new" / "ari_bridge.toml")
    assert loaded.asterisk.url == "https://pbx.example:8089"
    assert loaded.asterisk.secret() == (tmp_path / "new" / "ari_password").read_text().strip()
    assert set(loaded.agents) == {"reception"}
    assert "ari-bridge run" in capsys.readouterr().out


def test_only_the_owner_can_read_the_password(tmp_path: Path) -> None:
    main(["init", str(tmp_path)])
    mode = stat.S_IMODE((tmp_path / "ari_password").stat().st_mode)
    assert mode == 0o600
    password = (tmp_path / "ari_password").read_text().strip()
    assert len(password) >= 40
    others = WRITTEN - {"ari_password"}
    assert all(password not in (tmp_path / name).read_text() for name in others)


def test_asterisk_gets_the_password_s_hash(tmp_path: Path) -> None:
    main(["init", str(tmp_path)])
    password = (tmp_path / "ari_password").read_text().strip()
    lines = (tmp_path / "asterisk/ari_user.conf").read_text().splitlines()
    (hashed,) = (line.removeprefix("password = ") for line in lines if line.startswith("password = "))
    salt = hashed.split("$")[3]
    assert sha512_crypt(password, salt) == hashed


def test_two_installations_have_two_passwords(tmp_path: Path) -> None:
    for name in "ab":
        main(["init", str(tmp_path / name)])
    assert (tmp_path / "a/ari_password").read_text() != (tmp_path / "b/ari_password").read_text()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reception.toml").write_text("mine")
    assert main(["init", str(tmp_path)]) == 78
    error = capsys.readouterr().err
    assert "reception.toml is there already" in error
    assert error.count("\n") == 1
    assert files_in(tmp_path) == {"reception.toml"}
    assert (tmp_path / "reception.toml").read_text() == "mine"


def test_force_overwrites_and_keeps_the_password_private(tmp_path: Path) -> None:
    (tmp_path / "ari_password").write_text("old")
    (tmp_path / "ari_password").chmod(0o644)
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert (tmp_path / "ari_password").read_text() != "old"
    assert stat.S_IMODE((tmp_path / "ari_password").stat().st_mode) == 0o600


def test_force_does_not_write_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_text("precious")
    os.symlink(target, tmp_path / "ari_bridge.toml")
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert target.read_text() == "precious"


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file")]) == 78
    assert f"cannot write {tmp_path / 'file'}" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["pbx:8088", "http://me:secret@pbx:8088"])
def test_a_bad_url_is_refused_before_anything_is_written(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path), "--url", url]) == 78
    error = capsys.readouterr().err
    assert error.startswith("ari-bridge: --url: must ")
    assert "secret" not in error
    assert files_in(tmp_path) == set()


def test_output_that_nobody_reads_is_no_traceback(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end) as output:
        init = subprocess.run(
            [sys.executable, "-m", "ari_bridge.cli.main", "init", str(tmp_path)],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert init.returncode == 141
    assert init.stderr == ""
