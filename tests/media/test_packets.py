"""Addresses as numbers."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_bridge.media.packets import endpoint, host_and_port


@given(st.ip_addresses(v=4), st.integers(1, 65535))
def test_an_address_comes_back(host: ipaddress.IPv4Address, port: int) -> None:
    assert host_and_port(endpoint(str(host), port)) == (str(host), port)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 0), ("127.0.0.1", 65536), ("localhost", 1), ("::1", 1)]
)
def test_what_cannot_be_sent_to_is_refused(host: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"is not a UDP port|[Ee]xpected 4 octets|Only decimal|permitted"):
        endpoint(host, port)
