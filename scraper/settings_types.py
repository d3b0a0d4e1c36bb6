"""The kinds of values that settings have: what each may be, checked where it is read.

In: a value as given. Out: the same, or a `ValueError` that says what is meant.
"""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt

from scraper.charsets import named_charset
from scraper.notice import check_command, check_template

__all__ = [
    "Bytes",
    "Command",
    "Cpu",
    "Encoding",
    "Event",
    "Header",
    "NetworkOrHost",
    "Ports",
    "PositiveSeconds",
    "Seconds",
    "Share",
    "Template",
    "WebUrl",
]

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Bytes = PositiveInt
Cpu = Annotated[str, Field(pattern=r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$")]
Header = Annotated[str, Field(pattern=r"^[!-~]([ -~]*[!-~])?$")]


def _network_or_host(text: str) -> str:
    """A CIDR must be a right one; anything else is a host name."""
    if "/" in text:
        ipaddress.ip_network(text, strict=False)
    return text.lower()


def _encoding(text: str) -> str:
    named_charset(text)
    return text


def _ports(text: str) -> str:
    """A port or a range of them."""
    first, _, last = text.partition("-")
    numbers = [first, last or first]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise ValueError("expected a port or a range, like 8000-8999")
    if not 0 < int(numbers[0]) <= int(numbers[1]) <= 65_535:
        raise ValueError("ports are 1 to 65535, the lower one first")
    return text


Ports = Annotated[str, AfterValidator(_ports)]
Command = Annotated[str, AfterValidator(check_command)]
Event = Literal["gate", "change", "failure", "always"]
Template = Annotated[str, AfterValidator(check_template)]
WebUrl = Annotated[str, Field(pattern=r"^(https?://[!-~]+|env:[A-Za-z_][A-Za-z0-9_]*)$")]
Encoding = Annotated[str, AfterValidator(_encoding)]
NetworkOrHost = Annotated[str, AfterValidator(_network_or_host)]
