from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.core.audio import Pcm16
from ari_bridge.media.codecs.ulaw import CODEC as ULAW
from ari_bridge.providers.speech.base import AgentAudio, Clear, Mark
from ari_bridge.providers.speech.twilio_stream import FRAME, MalformedMessage, TwilioStream

ACCOUNT = "AC" + "0" * 32


def stream() -> TwilioStream:
    return TwilioStream("20261121T1-abc", ACCOUNT, {"agent": "sales"})


def ramp(length: int) -> Pcm16:
    return (np.arange(length) * 7 % 20000 - 10000).astype(np.int16)


def test_a_stream_begins_as_twilio_s_do() -> None:
    connected, start = stream().opening()
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert (start["event"], start["sequenceNumber"]) == ("start", "1")
    body = start["start"]
    assert body["streamSid"] == start["streamSid"]
    assert body["streamSid"].startswith("MZ")
    assert body["callSid"].startswith("CA")
    assert len(body["callSid"]) == len(body["streamSid"]) == 34
    assert body["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert body["customParameters"] == {"agent": "sales"}


def test_two_calls_have_two_names_and_a_call_keeps_its_own() -> None:
    assert stream().call_sid == stream().call_sid
    assert stream().call_sid != TwilioStream("another", ACCOUNT, {}).call_sid


@given(st.lists(st.integers(0, 500), max_size=20))
def test_the_caller_s_audio_leaves_whole_in_frames_of_20_ms(lengths: list[int]) -> None:
    twilio, audio = stream(), ramp(sum(lengths))
    twilio.opening()
    messages: list[Any] = []
    at = 0
    for length in lengths:
        messages += twilio.media(audio[at : at + length])
        at += length
    sent = b"".join(base64.b64decode(message["media"]["payload"]) for message in messages)
    assert sent == ULAW.encode(audio[: at // FRAME * FRAME]).tobytes()
    assert all(len(base64.b64decode(message["media"]["payload"])) == FRAME for message in messages)
    assert [message["sequenceNumber"] for message in messages] == [str(2 + n) for n in range(len(messages))]
    assert [message["media"]["timestamp"] for message in messages] == [
        str(20 * n) for n in range(len(messages))
    ]


def test_what_the_bot_says_is_understood() -> None:
    twilio, audio = stream(), ULAW.decode(ULAW.encode(ramp(333)))
    payload = base64.b64encode(ULAW.encode(audio).tobytes()).decode()
    heard = twilio.understand({"event": "media", "streamSid": "MZ", "media": {"payload": payload}})
    assert isinstance(heard, AgentAudio)
    assert np.array_equal(heard.pcm, audio)
    assert twilio.understand({"event": "mark", "mark": {"name": "done"}}) == Mark("done")
    assert twilio.understand({"event": "clear", "streamSid": "MZ"}) == Clear()
    assert twilio.understand({"event": "something new"}) is None
    assert twilio.understand({}) is None


@pytest.mark.parametrize(
    "message",
    [
        {"event": "media"},
        {"event": "media", "media": 3},
        {"event": "media", "media": {"payload": 3}},
        {"event": "media", "media": {"payload": "no base64!"}},
        {"event": "mark", "mark": {}},
    ],
)
def test_what_cannot_be_meant_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        stream().understand(message)
