"""Connections to hosts that others name, to public addresses only, and never for longer than they may take.

Every address that a host name has is looked at before one of them is connected to, and the connection goes to the
address that was looked at: what a name means a moment later does not matter.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from time import monotonic
from typing import Any

import httpcore

from models.errors import LoomError

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")
_SPECIAL = IPv4Network("192.0.0.0/24")
"""Protocol assignments: older Pythons take some of them for public."""


class Refused(LoomError):
    """The URL leads where callers may not reach."""

    code = "address-refused"


class Guarded(httpcore.SyncBackend):
    """Connects to addresses that may be reached, and to those only.

    After `deadline`, by the clock `monotonic`, nothing more is read or written, however slowly the other side goes on.
    """

    def __init__(self, allowed: Sequence[Network], deadline: float) -> None:
        super().__init__()
        self._allowed = allowed
        self.deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect to the first of a host's addresses that answers, once all of them have been looked at."""
        addresses = _addresses(host, port)
        if not all(is_reachable(address, self._allowed) for address in addresses):
            raise Refused("The URL leads to an address that is not public")
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return self._connect(address, port, timeout, *arguments, **options)
        return self._connect(addresses[-1], port, timeout, *arguments, **options)

    def _connect(self, address: Address, port: int, timeout: float | None, *rest: Any, **options: Any) -> Timed:
        stream = super().connect_tcp(str(address), port, self.time_left(timeout, httpcore.ConnectTimeout), *rest,
                                     **options)  # fmt: skip
        return Timed(stream, self)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Never."""
        raise Refused

    def time_left(self, timeout: float | None, error: type[Exception]) -> float:
        """Give how long a step may take; raises the error when no time is left."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise error("it takes too long")
        return left if timeout is None else min(left, timeout)


class Timed(httpcore.NetworkStream):
    """A stream that ends with the time of its request: a byte now and then does not keep it open."""

    def __init__(self, inner: httpcore.NetworkStream, guard: Guarded) -> None:
        self._inner = inner
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, up to so many bytes."""
        return self._inner.read(max_bytes, self._guard.time_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._inner.write(buffer, self._guard.time_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Go on in TLS."""
        left = self._guard.time_left(timeout, httpcore.ConnectTimeout)
        return Timed(self._inner.start_tls(ssl_context, server_hostname, left), self._guard)

    def get_extra_info(self, info: str) -> Any:
        """Tell about the connection."""
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"there is no host of that name: {error}") from error
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def is_reachable(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an address is public, or in a network that is allowed; with the one that another may be wrapped in."""
    for each in (address, *_within(address)):
        if not any(each in network for network in allowed) and not _is_public(each):
            return False
    return True


def _is_public(address: Address) -> bool:
    is_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not is_local and not address.is_multicast and address not in _SPECIAL


def _within(address: Address) -> Iterator[Address]:
    """Give the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv6Address):
        yield from (each for each in (address.sixtofour, *(address.teredo or ())) if each is not None)
        if address.ipv4_mapped is not None:
            yield address.ipv4_mapped
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)
