"""Which addresses may be asked, so that a list of URLs can't reach into this network.

In: the host of a URL in WHATWG form, and the addresses that it resolves to. Out: verdicts, and a
resolver that returns checked addresses only, so that what was checked is what is connected to.
Literal addresses never pass a resolver: they are checked at the URL, for every hop.

Source: the IANA special-purpose address registries; RFC 6761, section 6.3 (localhost).
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

import ada_url
from aiohttp.abc import AbstractResolver, ResolveResult

from scraper.settings import host_names

__all__ = ["AddressGuard", "BlockedAddress", "GuardedResolver", "Verdict"]

Verdict = Literal["ok", "blocked", "out_of_scope"]
Address = IPv4Address | IPv6Address
LookUp = Callable[[str, int, int, int, int, int], list[tuple[int, int, int, str, tuple[str, int]]]]

_LOOPBACK = IPv4Address("127.0.0.1")
_LOOKUP_THREADS = 64
# The private, loopback, link-local (cloud metadata too), shared, multicast and reserved ones, those
# of documentation, and the relays that wrap another address.
_SPECIAL_IPV4 = [
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("240.0.0.0/4"),
]
_GLOBAL_IPV6 = IPv6Network("2000::/3")
# Inside it: Teredo and other protocols' own, documentation, 6to4. What wraps an IPv4 address
# otherwise (mapped, compatible, NAT64) and all local ones lie outside it.
_SPECIAL_IPV6 = [
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
]


class BlockedAddress(OSError):
    """A name has no address that may be asked; aiohttp raises it on as a DNS error's cause."""

    def __init__(self, hostname: str, verdict: Verdict) -> None:
        super().__init__(errno.EACCES, f"no address of {hostname} may be asked: {verdict}")
        self.verdict = verdict


class AddressGuard:
    """What is let through, what is refused, what is left alone. Pure.

    Args:
        allow: CIDRs, addresses and hosts that are let through although not public; a host covers
            its subdomains.
        deny: those never asked; wins over `allow`.
        public: whether public addresses may be asked at all.
    """

    def __init__(
        self, *, allow: Iterable[str] = (), deny: Iterable[str] = (), public: bool = True
    ) -> None:
        self._allow, self._deny, self._public = _Scope(allow), _Scope(deny), public

    def host_verdict(self, hostname: str) -> Verdict:
        """Whether the host of a URL may be asked; a name, as far as can be told unresolved.

        Args:
            hostname: in WHATWG form: IPv4 dotted, IPv6 in brackets.

        Raises: nothing.
        """
        host = _plain(hostname)
        address = _LOOPBACK if _is_localhost(host) else _address(host)
        if address is None:
            return "out_of_scope" if self._deny.has_host(host) else "ok"
        return self._verdict(host, address)

    def address_verdict(self, hostname: str, ip: str) -> Verdict:
        """Whether one address of a host may be asked. Raises: nothing."""
        address = _address(ip)
        return "blocked" if address is None else self._verdict(_plain(hostname), address)

    def address_allowed(self, hostname: str, ip: str) -> bool:
        """Whether one address of a host may be asked. Raises: nothing."""
        return self.address_verdict(hostname, ip) == "ok"

    def is_public(self, hostname: str) -> bool:
        """Whether a host is on the open network, as far as can be told unresolved.

        Raises: nothing.
        """
        host = _plain(hostname)
        if self._allow.has_host(host):
            return False
        address = _LOOPBACK if _is_localhost(host) else _address(host)
        if address is None:
            return True
        return _is_public(address) and not self._allow.has_address(address)

    def _verdict(self, host: str, address: Address) -> Verdict:
        if self._deny.has_host(host) or self._deny.has_address(address):
            return "out_of_scope"
        if self._allow.has_host(host) or self._allow.has_address(address):
            return "ok"
        return "ok" if self._public and _is_public(address) else "blocked"


class GuardedResolver(AbstractResolver):
    """Looks names up and returns only those addresses that the guard allows.

    Args:
        guard: decides.
        timeout_s: of one look-up.
        look_up: `socket.getaddrinfo`, run in threads of its own: the loop's are few, and one slow
            name server would hold all others up.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        timeout_s: float = 20.0,
        look_up: LookUp = socket.getaddrinfo,  # type: ignore[assignment]  # IPv6 has four parts
    ) -> None:
        self._guard, self._timeout_s, self._look_up = guard, timeout_s, look_up
        self._threads: ThreadPoolExecutor | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of a host; `localhost` is answered here, without asking DNS.

        Raises:
            BlockedAddress: it has addresses, but none that may be asked.
            OSError: it has none.
            TimeoutError: no name server answered in time.
        """
        found = [str(_LOOPBACK)] if _is_localhost(_plain(host)) else await self._found(host, family)
        verdicts = {ip: self._guard.address_verdict(host, ip) for ip in found}
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if "ok" not in verdicts.values():
            refused: Verdict = "blocked" if "blocked" in verdicts.values() else "out_of_scope"
            raise BlockedAddress(host, refused)
        return [_result(host, ip, port) for ip, verdict in verdicts.items() if verdict == "ok"]

    async def close(self) -> None:
        """End the threads as soon as their look-ups do. Raises: nothing."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _found(self, host: str, family: int) -> list[str]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="dns")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeout_s):
            rows = await loop.run_in_executor(self._threads, self._rows, host, family)
        return [row[4][0] for row in rows]

    def _rows(self, host: str, family: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        try:
            return self._look_up(host, 0, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        except UnicodeError as error:
            # A label that is empty or too long for DNS.
            raise socket.gaierror(socket.EAI_NONAME, "not a name of DNS") from error


class _Scope:
    """Hosts with their subdomains, and networks."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._names: set[str] = set()
        for entry in entries:
            try:
                self._networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(ada_url.idna.encode(_plain(entry.lstrip("*."))).decode("ascii"))

    def has_host(self, host: str) -> bool:
        return bool(self._names) and any(name in self._names for name in host_names(host))

    def has_address(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _plain(hostname: str) -> str:
    return hostname.strip("[]").rstrip(".").lower()


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_IPV4)
    special = any(address in network for network in _SPECIAL_IPV6)
    return address in _GLOBAL_IPV6 and not special


def _result(host: str, ip: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=ip, port=port, family=family, proto=0, flags=flags)
