"""No tool reaches where nobody allowed it to."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from ari_bridge.tools.addresses import Guard, GuardedResolver, SystemResolver

GUARD = Guard(["shop.example.com", "10.0.5.7"], [ip_network("10.0.5.0/24"), ip_network("fd00:5::/64")])


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "10.0.5.7", "fd00:5::9", "::ffff:10.0.5.7"]
)
def test_public_and_configured_addresses_may_be_reached(address: str) -> None:
    assert GUARD.allows(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.6.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:6::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
    ],
)
def test_others_may_not_in_whatever_clothes(address: str) -> None:
    assert not GUARD.allows(address)


def test_a_literal_in_a_url_is_checked_too() -> None:
    assert GUARD.literal("shop.example.com") == ""
    assert GUARD.literal("10.0.5.7") == ""
    assert "not among tools.hosts" in GUARD.literal("93.184.216.34")
    assert "not public" in Guard(["127.0.0.1"], []).literal("127.0.0.1")


class Answers(AbstractResolver):
    def __init__(self, *rounds: list[str]) -> None:
        self.rounds = list(rounds)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=6, flags=0)
            for address in self.rounds.pop(0)
        ]

    async def close(self) -> None: ...


def test_what_was_checked_is_what_is_connected_to(run: Any) -> None:
    async def main() -> None:
        resolver = GuardedResolver(GUARD, Answers(["93.184.216.34"], ["93.184.216.34", "127.0.0.1"]))
        assert [r["host"] for r in await resolver.resolve("shop.example.com", 443)] == ["93.184.216.34"]
        with pytest.raises(OSError, match=r"shop\.example\.com leads to 127\.0\.0\.1"):
            await resolver.resolve("shop.example.com", 443)
        with pytest.raises(OSError, match="not among"):
            await resolver.resolve("evil.example.com", 443)
        await resolver.close()

    run(main())


def test_the_system_is_asked_for_names(run: Any) -> None:
    async def main() -> None:
        found = await SystemResolver().resolve("localhost", 80)
        assert {result["host"] for result in found} <= {"127.0.0.1", "::1"}
        assert found[0]["port"] == 80

    run(main())
