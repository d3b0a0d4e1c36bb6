"""Which ports may be asked: those of the web, not those of other services.

In: ports and ranges as the settings have them, a URL. Out: the ports allowed, the URL's port. A
request to a service that is none of the web may do there what no list should be able to. No errors.

Source: the Fetch standard, section 2.9 (port blocking); the defaults of databases and brokers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scraper.urls import ParsedUrl

__all__ = ["ANY_PORT", "AllowedPorts", "allowed_ports", "port_of"]

ANY_PORT = ("1-65535",)

# fmt: off
_SERVICES = frozenset({
    # Fetch's, from 1024 up.
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10080,
    # SQL Server, Oracle, Docker, etcd, MySQL, RDP, PostgreSQL, AMQP, VNC, WinRM, Redis, Kubelet.
    1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5985, 5986, 6379, 10250,
    # Cassandra, Kafka, Memcached, MongoDB.
    9042, 9092, 11211, 27017,
})
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedPorts:
    """Ports by spans. A known service's are in one of the `sparing` only if `named` too."""

    named: tuple[range, ...]
    sparing: tuple[range, ...]

    def __contains__(self, port: int) -> bool:
        if any(port in span for span in self.named):
            return True
        return port not in _SERVICES and any(port in span for span in self.sparing)


def allowed_ports(ports: Iterable[str]) -> AllowedPorts:
    """The ports of some entries; a known service's only if an entry names it alone."""
    named: list[range] = []
    sparing: list[range] = []
    for entry in ports:
        first, dash, last = entry.partition("-")
        spans = sparing if dash and entry not in ANY_PORT else named
        spans.append(range(int(first), int(last or first) + 1))
    return AllowedPorts(named=tuple(named), sparing=tuple(sparing))


def port_of(url: ParsedUrl) -> int:
    """The port of a URL, given or by its scheme."""
    scheme, _, authority = url.origin.partition("://")
    port = authority.rpartition(":")[2]
    if port.isdigit() and not authority.endswith("]"):
        return int(port)
    return 443 if scheme == "https" else 80
