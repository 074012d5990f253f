"""What a PBX lacks is said in one line when we start, and what calls need is missed before the first."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from ari_bridge.core.errors import AsteriskError
from ari_bridge.pbx.versions import USES
from ari_bridge.sandbox.debian import BULLSEYE, Suite
from ari_bridge.sandbox.lab import Lab
from tests.pbx.fake_ari import PASSWORD, FakeAri
from tests.pbx.helpers import SilentPlane, serving, settings_for
from tests.pbx.live import lab_settings

PBX = Path(__file__).parents[2] / "ari_bridge" / "pbx"


def said(caplog: pytest.LogCaptureFixture) -> str:
    (line,) = [r.getMessage() for r in caplog.records if r.getMessage().startswith("Asterisk ")]
    return line


def test_what_it_lacks_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with FakeAri(set_many=False) as ari, serving(settings_for(ari.url, PASSWORD), SilentPlane()):
            pass

    with caplog.at_level(logging.INFO):
        asyncio.run(main())
    line = said(caplog)
    assert "no channels.setChannelVars: variables are set by one request each; " in line
    assert "\n" not in line


def test_without_the_bridges_there_is_no_start() -> None:
    async def main() -> None:
        async with FakeAri() as ari:
            ari.forget("bridges")
            with pytest.raises(AsteriskError) as failure:
                async with serving(settings_for(ari.url, PASSWORD), SilentPlane()):
                    pass
        assert str(failure.value) == (
            "asterisk: its ARI has no bridges.list, bridges.createWithId, bridges.addChannel,"
            " bridges.destroy: load res_ari_bridges.so; ari_bridge needs Asterisk 16.28 or later"
        )

    asyncio.run(main())


def test_what_is_asked_of_asterisk_is_known_to_the_table() -> None:
    """Each resource and operation in our requests, but those that only tell or undo."""
    asked: set[tuple[str, str]] = set()
    for path in PBX.glob("*.py"):
        text = path.read_text()
        asked |= set(re.findall(r'call\(\s*"(\w+)",\s*"(\w+)"', text))
    listed = {(use.resource, use.operation) for use in USES}
    tells = {("asterisk", "getInfo"), ("asterisk", "getModule"), ("applications", "get"), ("channels", "get")}
    undoes = {
        ("channels", "stopMoh"),
        ("channels", "unmute"),
        ("bridges", "removeChannel"),
        ("recordings", "unpause"),
        ("applications", "unsubscribe"),
        ("recordings", "stop"),
    }
    assert asked
    assert asked - listed - tells - undoes == set()


@pytest.mark.asterisk
def test_a_real_one_tells_its_version(
    clean_lab: Lab, run: Any, pbx_suite: Suite | None, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with serving(lab_settings(clean_lab), SilentPlane()):
            pass

    with caplog.at_level(logging.INFO):
        run(main())
    line = said(caplog)
    print(line)
    if pbx_suite is BULLSEYE:
        assert line.startswith("Asterisk 16.28.0")
        assert line.endswith(": no channels.setChannelVars: variables are set by one request each")
    else:
        assert re.match(r"Asterisk \d+\.\d+", line)
