"""Two private Asterisks, a carrier and a PBX, joined by a SIP trunk: a call really crosses SIP and RTP.

synthetic caller ──ARI, RTP── carrier ══ SIP trunk, RTP ══ PBX ──ARI, RTP── ari_bridge
                                 └─ 7000: the person an agent transfers to
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ari_bridge.sandbox import packages, voices
from ari_bridge.sandbox.asterisk import AsteriskServer, PortClash
from ari_bridge.sandbox.debian import Progress, Suite
from ari_bridge.sandbox.scenario import Voice

_COMMON = {
    "asterisk.conf": "sandbox/common/asterisk.conf",
    "logger.conf": "sandbox/common/logger.conf",
    "modules.conf": "sandbox/common/modules.conf",
    "cdr.conf": "sandbox/common/cdr.conf",
    "ari.conf": "ari.conf",
    "http.conf": "http.conf",
    "rtp.conf": "rtp.conf",
}
CARRIER_FILES = _COMMON | {
    "pjsip.conf": "sandbox/carrier/pjsip.conf",
    "extensions.conf": "sandbox/carrier/extensions.conf",
}
PBX_FILES = _COMMON | {
    "pjsip.conf": "pjsip.conf",
    "extensions.conf": "sandbox/pbx/extensions.conf",
    "ari_bridge/extensions.conf": "extensions.conf",
    "ari_bridge/freepbx.conf": "freepbx/extensions_custom.conf",
    "musiconhold.conf": "sandbox/pbx/musiconhold.conf",
    "queues.conf": "sandbox/pbx/queues.conf",
    "voicemail.conf": "sandbox/pbx/voicemail.conf",
    "amd.conf": "sandbox/pbx/amd.conf",
}

PERSON_SAYS = "Front desk, Maria speaking. How can I help you?"
"""What the caller hears after a transfer."""

MUSIC_HZ = 523.0
"""The music on hold."""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Lab:
    carrier: AsteriskServer
    pbx: AsteriskServer
    directory: Path
    softphone_user: str
    softphone_password: str


@asynccontextmanager
async def open_lab(
    directory: Path, *, pbx_suite: Suite | None = None, progress: Progress | None = None
) -> AsyncIterator[Lab]:
    """Both servers, running, with their files below `directory`. Raises SandboxError.

    `pbx_suite`: the PBX is this Debian suite's Asterisk, the carrier stays what it always is. Gets Asterisk
    first if need be, telling `progress`. Start it from a thread that lives as long as the lab.
    """
    tell = progress or (lambda _line: None)
    program = pbx_program = await asyncio.to_thread(packages.find_asterisk, tell)
    if pbx_suite is not None:
        pbx_program = await asyncio.to_thread(packages.debian_asterisk, pbx_suite, tell)
    carrier = AsteriskServer("carrier", program, directory / "carrier")
    pbx = AsteriskServer("pbx", pbx_program, directory / "pbx")
    lab = Lab(carrier, pbx, directory, "6001", secrets.token_urlsafe(9))
    tell("starting carrier and PBX")
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await _start(lab)
                break
            except PortClash:
                if attempt == _ATTEMPTS:
                    raise
                await _stop(lab)
                carrier.choose_ports()
                pbx.choose_ports()
        yield lab
    finally:
        await _stop(lab)


async def _start(lab: Lab) -> None:
    values = {
        "carrier_sip_port": lab.carrier.sip_port,
        "pbx_sip_port": lab.pbx.sip_port,
        "softphone_password": lab.softphone_password,
    }
    results = await asyncio.gather(
        lab.carrier.start(CARRIER_FILES, values),
        lab.pbx.start(PBX_FILES, values),
        asyncio.to_thread(_give_voice, lab.carrier.directory / "sounds/person.wav"),
        asyncio.to_thread(_give_music, lab.pbx.directory / "music/hold.wav"),
        return_exceptions=True,
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _give_voice(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    voices.write_wav(path, voices.speak(PERSON_SAYS, Voice.ESPEAK, 8000), 8000)


def _give_music(path: Path) -> None:
    """Ten seconds of one tone: a test finds it again in what the caller heard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    phase = 2 * np.pi * MUSIC_HZ * np.arange(10 * 8000) / 8000
    voices.write_wav(path, np.rint(6000 * np.sin(phase)).astype(np.int16), 8000)


async def _stop(lab: Lab) -> None:
    await asyncio.gather(lab.carrier.stop(), lab.pbx.stop())
