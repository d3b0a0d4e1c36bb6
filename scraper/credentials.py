"""What one site is told beyond the usual: headers, cookies, credentials, a proxy of its own.

In: a host's `request` settings, which name variables of the environment (`env:NAME`), never what
is in them. Out: the headers of its requests and which of them are secret. What is read from the
environment stays in the process that asks: it is in no setting, run.json, archive, log or error.

Raises `ConfigError` where a variable that is named isn't there, before anything is asked.

Source: RFC 7617 (basic), RFC 6750 (bearer), RFC 6265 (cookies).
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scraper.errors import ConfigError
from scraper.settings import HostSettings
from scraper.settings_table import Request, Settings

__all__ = [
    "NO_MORE",
    "SECRET_HEADERS",
    "MoreHeaders",
    "SiteRequest",
    "check_credentials",
    "proxy_url",
    "site_request",
    "webhook_url",
]

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Those whose values are never kept, wherever they came from."""

_ENV = "env:"
_REDACTED = b"[redacted]"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRequest:
    """What a site's requests bear beyond ours; `secret` names what is never kept, in lower case.

    `headers` may be sent wherever the host is asked, `credentials` only to the origin that the
    list named.
    """

    headers: tuple[tuple[str, str], ...] = ()
    credentials: tuple[tuple[str, str], ...] = ()
    proxy: str | None = None
    secret: frozenset[str] = SECRET_HEADERS

    def more(self, *, is_listed_origin: bool, cookie: str = "") -> "MoreHeaders":
        """What one request bears: credentials only where the list itself named the origin.

        `cookie` is what the host itself gave; it goes along with those that are set.
        """
        pairs = [*self.headers, *(self.credentials if is_listed_origin else ())]
        if cookie:
            ours = [value for name, value in pairs if name == "Cookie"]
            pairs = [pair for pair in pairs if pair[0] != "Cookie"]
            pairs.append(("Cookie", "; ".join([*ours, cookie])))
        return MoreHeaders(pairs=tuple(pairs), proxy=self.proxy, secret=self.secret)

    def __repr__(self) -> str:
        names = [name for name, _ in (*self.headers, *self.credentials)]
        return f"SiteRequest({', '.join(names)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreHeaders:
    """What one request bears beyond ours; a name that is ours too is replaced."""

    pairs: tuple[tuple[str, str], ...] = ()
    proxy: str | None = None
    secret: frozenset[str] = SECRET_HEADERS

    def over(self, ours: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Our headers and these."""
        if not self.pairs:
            return ours
        more = [(name.encode(), value.encode()) for name, value in self.pairs]
        named = {name.lower() for name, _ in more}
        return [*(pair for pair in ours if pair[0].lower() not in named), *more]

    def redacted(self, sent: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of a request as they may be kept."""
        return tuple(
            (name, _REDACTED if name.decode("latin-1").lower() in self.secret else value)
            for name, value in sent
        )

    def __repr__(self) -> str:
        return f"MoreHeaders({', '.join(name for name, _ in self.pairs)})"


NO_MORE = MoreHeaders()


def check_credentials(settings: HostSettings, environ: Mapping[str, str]) -> None:
    """See that all that the settings name is in the environment.

    Raises:
        ConfigError: which variable isn't, and where it is named.
    """
    proxy_url(settings.all.http.proxy, environ)
    webhook_url(settings.all.notify.webhook, environ)
    for host, own in settings.by_host.items():
        site_request(own, environ, host=host)


def site_request(settings: Settings, environ: Mapping[str, str], *, host: str) -> SiteRequest:
    """What the requests to a host bear.

    Raises:
        ConfigError: a variable that is named isn't there, or holds what can't be a header.
    """
    request, where = settings.request, f'hosts."{host}".request'
    credentials = list(_credentials(request, environ, where))
    plain = [pair for pair in request.headers.items() if not _is_named(pair[1])]
    return SiteRequest(
        headers=tuple(plain),
        credentials=tuple(credentials),
        proxy=_value(request.proxy, environ, f"{where}.proxy") if request.proxy else None,
        secret=SECRET_HEADERS | {name.lower() for name, _ in credentials},
    )


def proxy_url(proxy: str | None, environ: Mapping[str, str]) -> str | None:
    """The proxy for all hosts, as `http.proxy` has it.

    Raises:
        ConfigError: the variable that is named isn't there.
    """
    return None if proxy is None else _value(proxy, environ, "http.proxy")


def webhook_url(webhook: str | None, environ: Mapping[str, str]) -> str | None:
    """Where a run's end is told, as `notify.webhook` has it.

    Raises:
        ConfigError: the variable that is named isn't there.
    """
    return None if webhook is None else _value(webhook, environ, "notify.webhook")


def _credentials(
    request: Request, environ: Mapping[str, str], where: str
) -> Iterator[tuple[str, str]]:
    for name, value in request.headers.items():
        if _is_named(value):
            yield name, _value(value, environ, f"{where}.headers.{name}")
    if request.cookies:
        pairs = (
            f"{name}={_value(value, environ, f'{where}.cookies.{name}')}"
            for name, value in request.cookies.items()
        )
        yield "Cookie", "; ".join(pairs)
    if request.auth is not None:
        user = _value(request.auth, environ, f"{where}.auth").encode()
        yield "Authorization", f"Basic {base64.b64encode(user).decode()}"
    if request.bearer is not None:
        yield "Authorization", f"Bearer {_value(request.bearer, environ, f'{where}.bearer')}"


def _is_named(value: str) -> bool:
    return value.startswith(_ENV)


def _value(text: str, environ: Mapping[str, str], where: str) -> str:
    """A value as it stands, or from the environment."""
    if not _is_named(text):
        return text
    name = text.removeprefix(_ENV)
    value = environ.get(name)
    if not value:
        raise ConfigError(f"{where}: the environment variable {name} is not set")
    if not value.isprintable() or not value.isascii():
        raise ConfigError(f"{where}: what {name} holds can't be sent: one line of ASCII can")
    return value
