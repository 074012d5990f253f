"""Calls from SIPp, which shares no code with the synthetic caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ari_bridge.sandbox.lab import Lab
from ari_bridge.sandbox.sipp import call_with_sipp, rtp_payloads

pytestmark = pytest.mark.asterisk


def test_sipp_calls_with_recorded_media_and_a_digit(clean_lab: Lab, run: Any, tmp_path: Path) -> None:
    result = run(call_with_sipp(clean_lab.pbx, "4004", tmp_path, calls=2, voice_ms=500))
    assert (result.calls, result.failed) == (2, 0)
    if result.digit_pressed:  # needs the right to open raw sockets
        log = (clean_lab.pbx.directory / "log/full").read_text()
        assert log.count("sandbox read 1 from +4940765432") >= 2


def test_sipp_calls_without_raw_sockets(
    clean_lab: Lab, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ari_bridge.sandbox.sipp._may_open_raw_sockets", lambda: False)
    result = run(call_with_sipp(clean_lab.pbx, "4000", tmp_path, voice_ms=300))
    assert (result.failed, result.digit_pressed) == (0, False)


def test_a_refused_call_is_counted(clean_lab: Lab, run: Any, tmp_path: Path) -> None:
    result = run(call_with_sipp(clean_lab.pbx, "4999", tmp_path, voice_ms=100))
    assert result.failed == 1


def test_payloads_of_a_pcap() -> None:
    packet = bytes(14 + 20 + 8 + 12) + b"voice"
    record = (0).to_bytes(8, "little") + len(packet).to_bytes(4, "little") * 2 + packet
    assert list(rtp_payloads(bytes(24) + record * 2)) == [b"voice", b"voice"]
