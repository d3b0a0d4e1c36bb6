"""Which addresses may be asked, so that a list of URLs can't reach into this network.

In: the host of a URL in WHATWG form, and the addresses that it resolves to. Out: verdicts; the
resolver gives checked addresses only, so that what was checked is what is connected to. Literal
addresses never pass a resolver: they are checked at the URL, for every hop.

Source: the IANA special-purpose address registries; RFC 6761, section 6.3 (localhost).
"""

import errno
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

import ada_url

from scraper.fetch.ports import ANY_PORT, allowed_ports, port_of
from scraper.settings import host_names
from scraper.urls import ParsedUrl

__all__ = [
    "LOOPBACK",
    "AddressGuard",
    "BlockedAddress",
    "Verdict",
    "is_localhost",
    "plain_host",
]

Verdict = Literal["ok", "blocked", "out_of_scope"]
Address = IPv4Address | IPv6Address

LOOPBACK = IPv4Address("127.0.0.1")
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
        only: if given, nothing else is asked.
        ports: those that may be asked, singly or as ranges.
        public: whether public addresses may be asked at all.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        deny: Iterable[str] = (),
        only: Iterable[str] = (),
        ports: Iterable[str] = ANY_PORT,
        public: bool = True,
    ) -> None:
        self._allow, self._deny, self._only = _Scope(allow), _Scope(deny), _Scope(only)
        self._ports, self._public = allowed_ports(ports), public

    def host_verdict(self, hostname: str) -> Verdict:
        """Whether the host of a URL may be asked; a name, as far as can be told unresolved.

        Args:
            hostname: in WHATWG form: IPv4 dotted, IPv6 in brackets.

        Raises: nothing.
        """
        host = plain_host(hostname)
        address = LOOPBACK if is_localhost(host) else _address(host)
        if address is not None:
            return self._verdict(host, address)
        # A name that isn't among those that alone are asked may lead to a network that is.
        left = bool(self._only) and not self._only.has_networks and not self._only.has_host(host)
        return "out_of_scope" if left or self._deny.has_host(host) else "ok"

    def url_verdict(self, url: ParsedUrl) -> Verdict:
        """Whether a URL may be asked, by its host and its port. Raises: nothing."""
        verdict = self.host_verdict(url.host)
        return "blocked" if verdict == "ok" and port_of(url) not in self._ports else verdict

    def address_verdict(self, hostname: str, ip: str) -> Verdict:
        """Whether one address of a host may be asked. Raises: nothing."""
        address = _address(ip)
        return "blocked" if address is None else self._verdict(plain_host(hostname), address)

    def is_public(self, hostname: str) -> bool:
        """Whether a host is on the open network, as far as can be told unresolved.

        Raises: nothing.
        """
        host = plain_host(hostname)
        if self._allow.has_host(host):
            return False
        address = LOOPBACK if is_localhost(host) else _address(host)
        if address is None:
            return True
        return _is_public(address) and not self._allow.has_address(address)

    def _verdict(self, host: str, address: Address) -> Verdict:
        if self._deny.has_host(host) or self._deny.has_address(address):
            return "out_of_scope"
        if self._only and not (self._only.has_host(host) or self._only.has_address(address)):
            return "out_of_scope"
        if self._allow.has_host(host) or self._allow.has_address(address):
            return "ok"
        return "ok" if self._public and _is_public(address) else "blocked"


class _Scope:
    """Hosts with their subdomains, and networks."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._names: set[str] = set()
        for entry in entries:
            try:
                self._networks.append(ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                self._names.add(ada_url.idna.encode(plain_host(entry.lstrip("*."))).decode("ascii"))

    def __bool__(self) -> bool:
        return bool(self._names or self._networks)

    @property
    def has_networks(self) -> bool:
        return bool(self._networks)

    def has_host(self, host: str) -> bool:
        return bool(self._names) and any(name in self._names for name in host_names(host))

    def has_address(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def plain_host(hostname: str) -> str:
    """A host's name as it is compared: without brackets and the dot at its end. Raises: nothing."""
    return hostname.strip("[]").rstrip(".").lower()


def is_localhost(host: str) -> bool:
    """Whether a name is this machine's, whatever DNS may say of it. Raises: nothing."""
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
