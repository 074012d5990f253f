"""What is looked at before the first call, because its lack would otherwise be a silent call.

Asterisk accepts a leg in a format it cannot translate, and bridges it: nobody hears anything, and nothing
is logged. So the modules are asked for by name.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass

from ari_bridge.core.errors import AsteriskError, SettingsError
from ari_bridge.media.plane import MediaPlane
from ari_bridge.pbx import versions
from ari_bridge.pbx.client import AriClient
from ari_bridge.settings import MediaSettings

logger = logging.getLogger(__name__)

_TRANSLATOR = {"ulaw": "codec_ulaw.so", "alaw": "codec_alaw.so", "slin16": "codec_resample.so"}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this PBX can do beyond the necessary."""

    wideband: bool
    """Callers can have slin16."""
    dialplan_lookup: bool
    """A place in the dialplan can be looked up before a caller is sent there."""


async def check(client: AriClient, settings: MediaSettings, media: MediaPlane) -> Abilities:
    """Raises SettingsError or AsteriskError, one line, when no call could work."""
    host, _ = media.address
    if _is_unspecified(host):
        raise SettingsError(
            f"media.advertise_host: must be set when media.bind_host is {host}: Asterisk cannot send to it"
        )
    logger.info("%s", await versions.describe(client))
    if not await client.module_running("chan_rtp.so"):
        raise AsteriskError("asterisk: chan_rtp.so, which carries external media, is not loaded: load it")
    return Abilities(
        wideband=await _can_translate(client, settings.format),
        dialplan_lookup=await client.module_running("func_dialplan.so"),
    )


async def _can_translate(client: AriClient, setting: str) -> bool:
    """Whether slin16 is among what legs may speak."""
    if setting != "auto":
        module = _TRANSLATOR[setting]
        if not await client.module_running(module):
            raise SettingsError(
                f"media.format: Asterisk cannot translate {setting}: load {module}, or choose another format"
            )
        return setting == "slin16"
    if not await client.module_running("codec_ulaw.so"):
        raise AsteriskError("asterisk: codec_ulaw.so is not loaded: callers with other codecs hear nothing")
    wideband = await client.module_running("codec_resample.so")
    if not wideband:
        logger.warning("asterisk: codec_resample.so is not loaded: wideband callers get telephone bandwidth")
    return wideband


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
