"""URLs: text in, the one form that is fetched, compared and grouped by out.

Pure. A URL is parsed once, by the WHATWG rules, and only its normal form goes on from here, so
that the client, robots.txt and the address check all speak of the same host. What is no http(s)
URL is `None`; nothing raises.

Source: the WHATWG URL standard (ada), the Public Suffix List with its private part.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_plus

import ada_url
from publicsuffixlist import PublicSuffixList

__all__ = [
    "ParsedUrl",
    "canonical_key",
    "domain_of",
    "host_of",
    "is_http",
    "join_url",
    "key_digest",
    "parse_url",
]

TRACKING_PREFIXES = ("utm_", "hsa_", "matomo_", "mtm_", "piwik_", "pk_")
"""Query parameters whose names begin so say where a visitor came from, never which page."""

# fmt: off
TRACKING_NAMES = frozenset(
    {
        "_branch_match_id", "_ga", "_gl", "_hsenc", "_hsmi", "_openstat", "dclid", "fbclid",
        "gad_source", "gbraid", "gclid", "gclsrc", "hsctatracking", "igsh", "igshid",
        "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "msclkid", "oly_anon_id", "oly_enc_id",
        "srsltid", "ttclid", "twclid", "vero_id", "wbraid", "wickedid", "yclid",
    }
)
# fmt: on
_SCHEMES = ("http://", "https://")
_MAX_LABEL, _MAX_NAME = 63, 253


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedUrl:
    """One http(s) URL in its normal form.

    `href` is what is fetched: without its fragment, which is never sent. `host` is in lower
    case, without port and without the dot at its end, an IPv6 address in brackets; `domain` is
    the registrable one (`a.github.io` counts), or the host itself where there is none;
    `origin` is `scheme://host[:port]`. URLs with one `key` are duplicates.
    """

    href: str
    host: str
    domain: str
    origin: str
    key: str


def parse_url(text: str) -> ParsedUrl | None:
    """Parse the text of a URL; None if it can't be fetched over http(s).

    A host that DNS can't carry (an empty label, one of more than 63 characters) is none.

    Raises: nothing.
    """
    try:
        parts = ada_url.parse_url(text.strip(), ("href", "hostname", "origin"))
    except ValueError:
        return None
    href, host = parts["href"], parts["hostname"].removesuffix(".")
    if not href.startswith(_SCHEMES) or not _can_exist(host):
        return None
    # In the normal form a bare `#` stands nowhere but before the fragment.
    href = href.partition("#")[0]
    return ParsedUrl(href=href, host=host, domain=domain_of(host), origin=parts["origin"], key=href)


def host_of(href: str) -> str:
    """The host of a normal form, or of an origin, as `ParsedUrl` has it.

    Empty if it can't be fetched. Raises: nothing.
    """
    # Up to the path the URLs of a host are the same, so that few of many are parsed.
    return _host_before_path("/".join(href.split("/", 3)[:3]))


@lru_cache(maxsize=16_384)
def _host_before_path(href: str) -> str:
    parsed = parse_url(href)
    return parsed.host if parsed else ""


@lru_cache(maxsize=65_536)
def domain_of(host: str) -> str:
    """The registrable domain of a `ParsedUrl`'s host; the host itself where there is none.

    Addresses, names of one label and public suffixes (`github.io`) are their own domain.

    Raises: nothing.
    """
    return host if _is_address(host) else _suffixes().privatesuffix(host) or host


def join_url(base: str, target: str) -> str | None:
    """The absolute form of a link, whatever its scheme, its fragment kept; None if it has none.

    Raises: nothing.
    """
    try:
        return ada_url.join_url(base, target)
    except ValueError:
        return None


def is_http(href: str) -> bool:
    """Whether a URL in its normal form is one that can be fetched. Raises: nothing."""
    return href.startswith(_SCHEMES)


def canonical_key(href: str) -> str:
    """The wider key of a normal form: its query sorted by name, without tracking parameters.

    The values of a name that comes twice keep their order: it may matter. A key only, never
    fetched.

    Raises: nothing.
    """
    page, mark, query = href.partition("?")
    if not mark:
        return href
    named = [(_parameter_name(part), part) for part in query.split("&") if part]
    kept = sorted((pair for pair in named if not _is_tracking(pair[0])), key=lambda pair: pair[0])
    return page + "?" * bool(kept) + "&".join(part for _, part in kept)


def key_digest(url: ParsedUrl, *, canonical: bool = False) -> str:
    """A digest of a URL's key, of one length; of its wider key if asked for. Raises: nothing."""
    key = canonical_key(url.key) if canonical else url.key
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def _parameter_name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def _is_tracking(name: str) -> bool:
    name = name.lower()
    return name in TRACKING_NAMES or name.startswith(TRACKING_PREFIXES)


def _is_address(host: str) -> bool:
    # WHATWG gives every host whose last label is a number as a dotted IPv4 address.
    return host.startswith("[") or host.rpartition(".")[2].isdigit()


@lru_cache(maxsize=65_536)
def _can_exist(host: str) -> bool:
    """Whether DNS can carry a name: looking others up raises what is no network error."""
    if len(host) > _MAX_NAME:
        return False
    return _is_address(host) or all(0 < len(label) <= _MAX_LABEL for label in host.split("."))


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    """The list takes 30 ms to read: on first use, not on import."""
    return PublicSuffixList()
