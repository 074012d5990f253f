"""The command line as an operator meets it: exit codes, one line, no traceback."""

from __future__ import annotations

import re

import pytest

from ari_bridge import __version__
from ari_bridge.cli import main as cli
from ari_bridge.cli.command import Command
from ari_bridge.core.errors import AsteriskRefused, SettingsError


def replace_run(monkeypatch: pytest.MonkeyPatch, error: BaseException | None, code: int = 0) -> None:
    def run(arguments: object) -> int:
        if error is not None:
            raise error
        return code

    command = Command(name="run", summary="do it", arguments=lambda parser: None, run=run)
    monkeypatch.setattr(cli, "COMMANDS", (command,))


@pytest.mark.parametrize(
    ("error", "code"), [(SettingsError("agents: there is none"), 78), (AsteriskRefused("wrong password"), 77)]
)
def test_an_error_is_one_line_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    replace_run(monkeypatch, error)
    assert cli.main(["run"]) == code
    captured = capsys.readouterr()
    assert captured.err == f"ari-bridge: {error}\n"
    assert captured.out == ""


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    replace_run(monkeypatch, KeyboardInterrupt())
    assert cli.main(["run"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_command_s_code_is_the_program_s(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_run(monkeypatch, None, 3)
    assert cli.main(["run"]) == 3


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    assert end.value.code == 0
    named = re.findall(r"^    (\w+)\s", capsys.readouterr().out, re.M)
    assert named == [command.name for command in cli.COMMANDS]


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    assert f"usage: ari-bridge {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"ari-bridge {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["serve"], ["run", "--dialogue", "--dialogue-json"]])
def test_bad_usage_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
