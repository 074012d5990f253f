"""Where Asterisk comes from, and what is said when it cannot be had."""

from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest

from ari_bridge.core.errors import InternalError, SandboxError
from ari_bridge.sandbox import debian, packages
from ari_bridge.sandbox.debian import Tree
from ari_bridge.sandbox.templates import render


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(packages, "_SYSTEM_PATH", str(folder))
    return folder


def put(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def modules(folder: Path) -> Path:
    target = folder / "asterisk/modules"
    target.mkdir(parents=True)
    for name in packages.NEEDED_MODULES:
        (target / f"{name}.so").touch()
    return target


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", True),
        ("Asterisk certified-18.9-cert8", True),
        ("Asterisk 16.28.0~dfsg-0+deb11u4", False),
        ("nonsense", False),
    ],
)
def test_the_machines_own_asterisk(
    version: str, taken: bool, commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(commands, "asterisk", f"echo '{version}'")
    monkeypatch.setattr(packages, "_MODULE_DIRECTORIES", (str(tmp_path / "lib"),))
    found_in = modules(tmp_path / "lib")
    tree = tmp_path / "tree"
    monkeypatch.setattr(packages, "cached_tree", lambda _suite, _progress: Tree(tree))
    program = packages.find_asterisk(print)
    assert (program.modules == found_in) is taken
    assert (str(tree) in program.command[0]) is not taken


def test_an_asterisk_without_ari_is_passed_over(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(commands, "asterisk", "echo 'Asterisk 20.6.0'")
    monkeypatch.setattr(packages, "_MODULE_DIRECTORIES", (str(tmp_path / "lib"),))
    (modules(tmp_path / "lib") / "res_ari_channels.so").unlink()
    monkeypatch.setattr(packages, "cached_tree", lambda _suite, _progress: Tree(tmp_path))
    assert str(tmp_path) in packages.find_asterisk(print).command[0]


def test_a_machine_without_apt_is_told_so(commands: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"needs apt-get, which is not here .*install Asterisk 18"):
        debian.fetch(debian.SID, tmp_path / "tree", print)
    assert not (tmp_path / "tree").exists()


def test_the_mirror_is_the_machines_own(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARI_BRIDGE_DEBIAN_MIRROR", raising=False)
    lines = "http://x.test/debian-security bookworm-security\\nhttp://x.test/debian bookworm\\n"
    put(commands, "apt-get", f"printf '{lines}'")
    assert debian.mirror() == "http://x.test/debian"
    monkeypatch.setenv("ARI_BRIDGE_DEBIAN_MIRROR", "http://y.test/debian")
    assert debian.mirror() == "http://y.test/debian"


def test_no_mirror_is_one_line(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARI_BRIDGE_DEBIAN_MIRROR", raising=False)
    put(commands, "apt-get", "echo http://x.test/other noble")
    with pytest.raises(SandboxError, match=r"no Debian mirror .*ARI_BRIDGE_DEBIAN_MIRROR"):
        debian.mirror()


def test_a_mirror_that_does_not_answer_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARI_BRIDGE_DEBIAN_MIRROR", f"file:{tmp_path}/nothing")
    monkeypatch.setenv("ARI_BRIDGE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        SandboxError, match=r"cannot get Asterisk 22 from file:.*is the network there\?"
    ) as failure:
        packages.cached_tree(debian.SID, lambda _line: None)
    assert "\n" not in str(failure.value)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARI_BRIDGE_CACHE", "/proc/nothing")
    with pytest.raises(SandboxError, match="cannot use the cache"):
        packages.cached_tree(debian.SID, print)


def test_apts_percentages() -> None:
    status = io.StringIO("dlstatus:1:12.5:Retrieving\npmstatus:x:1:y\ndlstatus:2:100:Retrieving\nnonsense\n")
    assert list(debian._percentages(status)) == [12.5, 100.0]
    assert debian.bar(50, 4) == "[##  ]  50 %"


def test_no_program_in_the_cache_runs_as_root(tmp_path: Path) -> None:
    program = tmp_path / "passwd"
    program.touch()
    program.chmod(0o4755)
    debian._drop_setuid(tmp_path)
    assert stat.S_IMODE(program.stat().st_mode) == 0o755


def test_a_template_gets_all_its_values() -> None:
    assert "bindport = 8088" in render("http.conf", {"http_host": "127.0.0.1", "http_port": 8088})
    with pytest.raises(InternalError, match=r"asterisk/http\.conf wants a value for \{\{http_host\}\}"):
        render("http.conf", {})
