"""respx mocks that are active in this process: they must never be passed by.

In: nothing but what respx itself knows; it is looked at only where somebody else imported it.
"""

import sys

from scraper.errors import ConfigError

__all__ = ["active_mocks", "refuse_bypassed_mock"]


def active_mocks() -> list[str]:
    """What the active respx mocks patch: `httpx`, `httpcore`. Raises: nothing."""
    respx = sys.modules.get("respx")
    if respx is None:
        return []
    return [name for name, mocker in respx.mocks.Mocker.registry.items() if mocker.routers]


def refuse_bypassed_mock() -> None:
    """Refuse to start under a respx mock that patches a transport which isn't ours.

    Raises:
        ConfigError: and how to write the mock instead.
    """
    for name in active_mocks():
        if name != "httpx":
            raise ConfigError(
                f'an active respx mock (using="{name}") would be bypassed and the network asked: '
                'write it as respx.mock(using="httpx")'
            )
