"""ARI's requests of call control, typed: what `client` offers for the call itself, here for its verbs."""

from __future__ import annotations

from collections.abc import Mapping

from ari_bridge.core.errors import Gone
from ari_bridge.pbx.client import AriClient
from ari_bridge.pbx.events import Channel, parse_channel


class ControlRequests:
    """Each method raises as those of AriClient do."""

    def __init__(self, client: AriClient) -> None:
        self._client = client

    # -------------------------------------------------------------- channels

    async def start_music(self, channel_id: str) -> None:
        await self._client.call("channels", "startMoh", channelId=channel_id)

    async def stop_music(self, channel_id: str) -> None:
        await self._client.call("channels", "stopMoh", channelId=channel_id)

    async def mute(self, channel_id: str) -> None:
        """What comes in from the channel is dropped."""
        await self._client.call("channels", "mute", channelId=channel_id, direction="in")

    async def unmute(self, channel_id: str) -> None:
        await self._client.call("channels", "unmute", channelId=channel_id, direction="in")

    async def send_digits(self, channel_id: str, digits: str, *, duration_ms: int, between_ms: int) -> None:
        await self._client.call(
            "channels",
            "sendDTMF",
            channelId=channel_id,
            dtmf=digits,
            duration=duration_ms,
            between=between_ms,
        )

    async def originate(
        self,
        channel_id: str,
        endpoint: str,
        *,
        ring_s: float,
        caller_id: str = "",
        app_args: str = "",
        originator: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Channel:
        """Ring `endpoint`; it enters our application when it answers, and what becomes of it is told us
        from the beginning. `variables` are the channel's."""
        options = {"callerId": caller_id, "originator": originator, "variables": dict(variables or {})}
        answer = await self._client.make_channel(
            "originate",
            channel_id,
            endpoint=endpoint,
            app=self._client.app,
            appArgs=app_args,
            timeout=max(1, round(ring_s)),
            **{name: value for name, value in options.items() if value},
        )
        return parse_channel(answer)

    async def snoop(self, channel_id: str, snoop_id: str, *, whisper: bool) -> Channel:
        """A channel in our application that hears both ways of `channel_id`; with `whisper` what is said into
        it goes to `channel_id`'s end alone."""
        answer = await self._client.call(
            "channels",
            "snoopChannelWithId",
            channelId=channel_id,
            snoopId=snoop_id,
            app=self._client.app,
            spy="both",
            whisper="out" if whisper else "none",
        )
        return parse_channel(answer)

    # -------------------------------------------------------------- bridges and recordings

    async def remove_channel(self, bridge_id: str, channel_id: str) -> None:
        await self._client.call("bridges", "removeChannel", bridgeId=bridge_id, channel=[channel_id])

    async def record(self, bridge_id: str, name: str) -> None:
        await self._client.call("bridges", "record", bridgeId=bridge_id, name=name, format="wav")

    async def pause_recording(self, name: str) -> None:
        await self._client.call("recordings", "pause", recordingName=name)

    async def resume_recording(self, name: str) -> None:
        await self._client.call("recordings", "unpause", recordingName=name)

    async def stop_recording(self, name: str) -> None:
        """What has ended already is stopped."""
        try:
            await self._client.call("recordings", "stop", recordingName=name)
        except Gone:
            return
