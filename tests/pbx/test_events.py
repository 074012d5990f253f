"""Events: what Asterisk sends becomes a type, what it might send one day harms nobody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.pbx.events import (
    WANTED,
    AmdTold,
    ApplicationReplaced,
    Channel,
    ChannelEnded,
    DtmfReceived,
    StasisStart,
    parse,
    parse_channel,
)

CHANNEL = {
    "id": "1795231539.14",
    "name": "PJSIP/carrier-00000001",
    "state": "Ring",
    "protocol_id": "a7f",
    "caller": {"name": "Ada", "number": "5551234"},
    "connected": {"name": "", "number": ""},
    "dialplan": {"context": "t", "exten": "5000", "priority": 2, "app_name": "Stasis", "app_data": "app,x"},
    "language": "en",
}
"""As Asterisk 22 writes it."""


def test_a_call_comes_in() -> None:
    event = {"type": "StasisStart", "args": ["agent=demo", "did=5000"], "channel": CHANNEL, "timestamp": "t"}
    assert parse(json.dumps(event)) == StasisStart(
        Channel(
            id="1795231539.14",
            name="PJSIP/carrier-00000001",
            state="Ring",
            caller_number="5551234",
            caller_name="Ada",
            exten="5000",
            app_name="Stasis",
            app_data="app,x",
        ),
        ("agent=demo", "did=5000"),
    )


def test_channelvars_are_told_from_none() -> None:
    assert parse_channel(CHANNEL).variables is None
    assert parse_channel(CHANNEL | {"channelvars": {"AI_AGENT": "x"}}).variables == {"AI_AGENT": "x"}


@pytest.mark.parametrize("kind", ["StasisEnd", "ChannelDestroyed", "ChannelHangupRequest"])
def test_each_way_in_which_a_channel_ends(kind: str) -> None:
    ended = {"type": kind, "channel": CHANNEL}
    destroyed = kind == "ChannelDestroyed"
    assert parse(json.dumps(ended)) == ChannelEnded("1795231539.14", None, destroyed)
    assert parse(json.dumps({**ended, "cause": 17})) == ChannelEnded("1795231539.14", 17, destroyed)


def test_what_amd_heard() -> None:
    event = {
        "type": "ChannelUserevent",
        "eventname": "AriBridgeAmd",
        "userevent": {"eventname": "AriBridgeAmd", "Status": "MACHINE"},
        "channel": CHANNEL,
    }
    assert parse(json.dumps(event)) == AmdTold("1795231539.14", "MACHINE")
    assert parse(json.dumps(event | {"eventname": "Other"})) is None


def test_a_digit() -> None:
    event = {"type": "ChannelDtmfReceived", "digit": "#", "duration_ms": 100, "channel": CHANNEL}
    assert parse(json.dumps(event)) == DtmfReceived("1795231539.14", "#", 100)


def test_another_program_has_the_application() -> None:
    event = {"type": "ApplicationReplaced", "application": "ari_bridge"}
    assert parse(json.dumps(event)) == ApplicationReplaced("ari_bridge")


def test_a_type_of_a_later_asterisk_is_passed_over() -> None:
    assert parse('{"type": "ChannelTeleported", "channel": {"id": "1"}}') is None


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"type": "StasisEnd"}', '{"type": "StasisStart", "channel": 1}']
)
def test_what_is_no_event_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = (
    "channel",
    "args",
    "digit",
    "duration_ms",
    "application",
    "id",
    "caller",
    "dialplan",
    "channelvars",
)


@given(
    kind=st.sampled_from(WANTED) | st.text(max_size=10),
    fields=st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=5),
    channel=st.dictionaries(st.sampled_from((*_FIELDS, "name", "state")), _JSON, max_size=6),
)
def test_whatever_comes_is_an_event_or_none_or_a_value_error(
    kind: str, fields: dict[str, object], channel: dict[str, object]
) -> None:
    try:
        event = parse(json.dumps({"channel": channel, **fields, "type": kind}))
    except ValueError:
        return
    assert event is None or kind in WANTED
