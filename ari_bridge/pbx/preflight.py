"""What is looked at before the first call, because its lack would otherwise be a silent call.

Asterisk accepts a leg in a format it cannot translate, and bridges it: nobody hears anything, and nothing
is logged. So the modules are asked for by name.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass

from ari_bridge.core.errors import AsteriskError, MediaError, SettingsError
from ari_bridge.media.codecs.registry import find_codec
from ari_bridge.media.plane import MediaPlane
from ari_bridge.pbx import versions
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.formats import WIDEBAND
from ari_bridge.pbx.wake import WAKING
from ari_bridge.settings import MediaSettings

logger = logging.getLogger(__name__)

_WIDEBAND = ("codec_resample.so", "codec_g722.so")
"""We hear slin16 and speak G.722 (docs/adr/0004-wideband.md)."""
_OPUS = ("codec_opus.so", "codec_opus_open_source.so")
_TRANSLATORS: dict[str, tuple[str | tuple[str, ...], ...]] = {
    "ulaw": ("codec_ulaw.so",),
    "alaw": ("codec_alaw.so",),
    "slin": ("codec_ulaw.so",),
    "g722": ("codec_g722.so",),
    "slin16": _WIDEBAND,
    "slin24": _WIDEBAND,
    "slin48": _WIDEBAND,
    "opus": (_OPUS, "codec_g722.so"),
}
"""The modules that a leg of each format needs beside callers of other formats; of a tuple, one."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this PBX can do beyond the necessary."""

    wideband: bool
    """Legs can have slin16 beside callers of any format."""
    dialplan_lookup: bool
    """A place in the dialplan can be looked up before a caller is sent there."""
    sleeps: bool
    """Channels have to be woken to do at once what they are asked to (pbx/wake.py)."""


async def check(client: AriClient, settings: MediaSettings, media: MediaPlane) -> Abilities:
    """Raises SettingsError or AsteriskError, one line, when no call could work."""
    host, _ = media.address
    if _is_unspecified(host):
        raise SettingsError(
            f"media.advertise_host: must be set when media.bind_host is {host}: Asterisk cannot send to it"
        )
    version = await versions.version(client)
    logger.info("%s", versions.describe(client, version))
    if not await client.module_running("chan_rtp.so"):
        raise AsteriskError("asterisk: chan_rtp.so, which carries external media, is not loaded: load it")
    return Abilities(
        wideband=await _can_translate(client, settings.format),
        dialplan_lookup=await client.module_running("func_dialplan.so"),
        sleeps=versions.sleeps(version) and await _can_be_woken(client),
    )


async def _can_translate(client: AriClient, setting: str) -> bool:
    """Whether slin16 is among what legs may speak."""
    if setting != "auto":
        try:
            find_codec(setting)
        except MediaError as error:
            raise SettingsError(f"media.format: {error}") from None
        if missing := await _missing(client, setting):
            raise SettingsError(
                f"media.format: Asterisk cannot translate {setting}: load {missing}, or choose another format"
            )
        return False
    if not await client.module_running("codec_ulaw.so"):
        raise AsteriskError("asterisk: codec_ulaw.so is not loaded: callers with other codecs hear nothing")
    if missing := await _missing(client, WIDEBAND):
        logger.warning(
            "asterisk: %s is not loaded: Opus and other wideband callers get telephone bandwidth", missing
        )
    return not missing


async def _can_be_woken(client: AriClient) -> bool:
    for module in WAKING:
        if not await client.module_running(module):
            logger.warning("asterisk: %s is not loaded: calls are taken up to 0.4 s later", module)
            return False
    return True


async def _missing(client: AriClient, format_name: str) -> str:
    """The first module that a leg of that format lacks; "" when all are there."""
    for needed in _TRANSLATORS[format_name]:
        choices = (needed,) if isinstance(needed, str) else needed
        if not any([await client.module_running(module) for module in choices]):
            return " or ".join(choices)
    return ""


def _is_unspecified(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
