"""`ari-bridge run` with settings that cannot work: one line, the right code, no traceback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ari_bridge.cli.main import main
from ari_bridge.cli.terminal import printable

AGENT = '[agents.reception]\ngreeting = "Hello."\n'


def refused(text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code, and the one line on stderr."""
    path = tmp_path / "ari_bridge.toml"
    if text is not None:
        path.write_text(text)
    code = main(["run", str(path)])
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("ari-bridge: ")]
    assert len(lines) == 1, captured.err
    assert "Traceback" not in captured.err
    assert "ready" not in captured.out
    return code, lines[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "cannot be read: No such file"),
        ("[asterisk\n", "not valid TOML"),
        ('[asterisk]\nurll = "x"\n', "asterisk.urll: unknown key"),
        ('[asterisk]\nurl = "pbx"\n', "asterisk.url: must start with http://"),
        (AGENT + '[routes]\n5000 = "sales"\n', "routes.5000: there is no agent 'sales'"),
        ("", "there is no agent"),
        (AGENT + '[asterisk]\npassword_file = "nope"\n', "asterisk.password_file: cannot read"),
        (AGENT.replace("greeting", 'llm = "gpt"\ngreeting'), "gpt"),
    ],
)
def test_settings_are_refused_with_the_key(
    text: str | None, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(text, tmp_path, capsys)
    assert code == 78
    assert named in line


def test_a_pbx_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets it, nobody answers
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, line = refused(f'[asterisk]\nurl = "{url}"\npassword = "x"\n{AGENT}', tmp_path, capsys)
    assert code == 69
    assert url in line


def test_a_default_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 78
    assert "neither ari_bridge.toml nor /etc/ari_bridge/ari_bridge.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "printed"),
    [("a\nb", "a b"), ("\033[2Jx", "[2Jx"), ("  è 語 ", "è 語"), ("", "")],
)
def test_words_become_one_harmless_line(said: str, printed: str) -> None:
    assert printable(said) == printed
