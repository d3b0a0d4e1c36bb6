"""The kinds of settings that may hold a secret: those name the environment, never the secret.

In: a value of the `request` settings. Out: the same, or a `ValueError` that doesn't repeat it.
A secret that stood in a crawl file would be in run.json, and in every copy of that file.
"""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

__all__ = [
    "CookieValue",
    "EnvironmentName",
    "EnvironmentVariable",
    "HeaderValue",
    "ProxyUrl",
    "check_pairs",
]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_OURS = re.compile(
    r"accept-encoding|connection|content-length|cookie|host|te|trailer|transfer-encoding|upgrade"
    r"|user-agent",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"auth|token|secret|passw|api-?_?key|apikey|credential|session|^sid$|jwt|signature|access",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"(bearer|basic|digest|token)\s+\S|eyJ[\w-]{10}", re.IGNORECASE)
_HOW = "is a secret: put it into the environment and write env:NAME"


def _proxy(text: str) -> str:
    """A URL without a password, or the name of a variable."""
    if re.fullmatch(_ENVIRONMENT_NAME, text):
        return text
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("expected http://host:port, or env:NAME")
    if url.username is not None or url.password is not None:
        raise ValueError(f"the proxy's password {_HOW}")
    return text


_ENVIRONMENT_NAME = r"^env:[A-Za-z_][A-Za-z0-9_]*$"
EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
EnvironmentName = Annotated[str, Field(pattern=_ENVIRONMENT_NAME)]
HeaderValue = Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$")]
CookieValue = Annotated[str, Field(pattern=r"^[!#-+\--:<-\[\]-~]*$")]
ProxyUrl = Annotated[str, AfterValidator(_proxy)]


def check_pairs(kind: str, values: Mapping[str, str]) -> None:
    """See that headers or cookies have names, and that secrets name the environment.

    Raises:
        ValueError: the name of what is wrong; never its value.
    """
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a {kind}")
        if kind == "header" and _OURS.fullmatch(name):
            raise ValueError(f"the header {name} is not free: it is made of other settings")
        if value.startswith("env:"):
            if not re.fullmatch(_ENVIRONMENT_NAME, value):
                raise ValueError(f"{kind} {name}: env: must be followed by a variable's name")
        elif _SECRET_NAME.search(name) or _SECRET_VALUE.match(value):
            raise ValueError(f"the {kind} {name} {_HOW}")
