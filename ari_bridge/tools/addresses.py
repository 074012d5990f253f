"""Where tools may connect to: hosts of a list, at addresses that are public or configured.

A name that is on the list may still lead to 127.0.0.1, to the cloud's metadata service or into the office
(server-side request forgery; DNS rebinding, where the answer changes between the check and the connection).
So the check is in the resolver: the very addresses that were checked are connected to, and no second
question is asked. Redirects are not followed anywhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # RFC 6052, RFC 8215


def meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class Guard:
    """`hosts`: names (or literal addresses) as they stand in URLs. `networks`: of addresses that are not
    public, those that may be connected to."""

    def __init__(self, hosts: Collection[str], networks: Collection[Network]) -> None:
        self._hosts = {host.lower() for host in hosts}
        self._networks = tuple(networks)

    def allows_host(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._hosts

    def allows(self, address: str) -> bool:
        """`address`: dotted or colon form, perhaps with a scope (fe80::1%eth0)."""
        found = meant(ip_address(address.partition("%")[0]))
        if any(found.version == network.version and found in network for network in self._networks):
            return True
        return found.is_global and not found.is_multicast and not found.is_reserved

    def literal(self, host: str) -> str:
        """Why a URL with this host may not be asked; "" where it may. A literal address is never resolved,
        so it is checked here."""
        if not self.allows_host(host):
            return f"the host {host} is not among tools.hosts"
        try:
            allowed = self.allows(host)
        except ValueError:
            return ""  # a name: the resolver sees to it
        return "" if allowed else _refused(host, host)


class GuardedResolver(AbstractResolver):
    """Raises OSError, as resolvers do, for what the guard does not allow."""

    def __init__(self, guard: Guard, inner: AbstractResolver) -> None:
        self._guard = guard
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if not self._guard.allows_host(host):
            raise OSError(f"the host {host} is not among tools.hosts")
        found = await self._inner.resolve(host, port, family)
        self._check(host, [result["host"] for result in found])
        return found

    async def close(self) -> None:
        await self._inner.close()

    def _check(self, host: str, addresses: Sequence[str]) -> None:
        # One bad answer spoils all: else whoever runs the name could mix them and have luck decide.
        for address in addresses:
            if not self._guard.allows(address):
                raise OSError(_refused(host, address))


class SystemResolver(AbstractResolver):
    """getaddrinfo(3) in a thread."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=int(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV),
            )
            for kind, _, protocol, _, address in infos
        ]

    async def close(self) -> None: ...


def _refused(host: str, address: str) -> str:
    return f"{host} leads to {address}, which is not public and not in tools.networks"
