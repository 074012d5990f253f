"""SIPp as a caller that shares no code with us: its own SIP, its own recorded media (30 ms A-law packets).

Playing a pcap takes raw sockets. Without the right to open them, SIPp sends the same voice through an
ordinary socket (rtp_stream) and presses no digit.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ari_bridge.core.errors import SandboxError
from ari_bridge.sandbox import packages
from ari_bridge.sandbox.asterisk import AsteriskServer
from ari_bridge.sandbox.debian import Progress
from ari_bridge.sandbox.ports import free_port
from ari_bridge.sandbox.templates import render

_MEDIA = "usr/share/sip-tester"
_RTP_IN_PCAP = struct.Struct("<IIII")
_ETHERNET_IP_UDP_RTP = 14 + 20 + 8 + 12


@dataclass(frozen=True, slots=True)
class SippResult:
    calls: int
    failed: int
    digit_pressed: bool
    """False where SIPp may not open raw sockets."""
    output: str


async def call_with_sipp(
    pbx: AsteriskServer,
    did: str,
    directory: Path,
    *,
    calls: int = 1,
    voice_ms: int = 2000,
    timeout_s: float = 30.0,
    progress: Progress | None = None,
) -> SippResult:
    """`calls` calls at once from SIPp to `did`; its files go to `directory`. Raises SandboxError when it
    cannot be run; calls that fail are counted."""
    tell = progress or (lambda _line: None)
    command = await asyncio.to_thread(packages.find_tool, "sipp", tell)
    media = await asyncio.to_thread(packages.find_data, _MEDIA, tell)
    raw = _may_open_raw_sockets()
    scenario = _write_scenario(did, media, directory, voice_ms, raw=raw)
    arguments = {
        "-sf": str(scenario),
        "-i": "127.0.0.1",
        "-mi": "127.0.0.1",
        "-p": str(free_port(socket.SOCK_DGRAM)),
        "-min_rtp_port": str(free_port(socket.SOCK_DGRAM) & ~1),
        "-m": str(calls),
        "-l": str(calls),
        "-r": str(calls),
        "-timeout": f"{timeout_s:.0f}s",
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        f"127.0.0.1:{pbx.sip_port}",
        *(word for pair in arguments.items() for word in pair),
        "-nostdin",
        "-timeout_error",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=directory,
    )
    try:
        output = (await process.communicate())[0].decode("utf-8", "replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode not in (0, 1, 97):  # its manual: all succeeded, a call failed, timed out
        last = (output.strip().splitlines() or ["it says nothing"])[-1]
        raise SandboxError(f"sipp ended with {process.returncode}: {last}")
    return SippResult(calls, _last_count("Failed call", output), raw, output)


def _write_scenario(did: str, media: Path, directory: Path, voice_ms: int, *, raw: bool) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    if raw:
        voice = f'play_pcap_audio="{media / "g711a.pcap"}"'
        pressed = f'play_pcap_audio="{media / "dtmf_2833_1.pcap"}"'
        digit = f'<nop><action><exec {pressed}/></action></nop><pause milliseconds="1000"/>'
    else:
        payload = directory / "voice.alaw"
        payload.write_bytes(b"".join(rtp_payloads((media / "g711a.pcap").read_bytes())))
        voice, digit = f'rtp_stream="{payload},1,8,PCMA/8000"', ""
    values = {"did": did, "play_voice": voice, "voice_ms": voice_ms, "digit": digit}
    scenario = directory / "caller.xml"
    scenario.write_text(render("sandbox/sipp-caller.xml", values), encoding="utf-8")
    return scenario


def rtp_payloads(pcap: bytes) -> Iterator[bytes]:
    """The RTP payloads of a pcap file of Ethernet, IPv4 and UDP without options (as SIPp's are)."""
    at = 24
    while at + _RTP_IN_PCAP.size <= len(pcap):
        _, _, captured, _ = _RTP_IN_PCAP.unpack_from(pcap, at)
        at += _RTP_IN_PCAP.size
        yield pcap[at + _ETHERNET_IP_UDP_RTP : at + captured]
        at += captured


def _last_count(label: str, output: str) -> int:
    """The cumulative count of a line of SIPp's last screen: `  Failed call  |  0  |  0  `."""
    counts = [
        line.rsplit("|", 1)[-1].strip() for line in output.splitlines() if line.strip().startswith(label)
    ]
    if not counts or not counts[-1].isdigit():
        raise SandboxError(f"sipp did not say how many calls there were ({label})")
    return int(counts[-1])


def _may_open_raw_sockets() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except OSError:
        return False
    return True
