"""A store as a person names it, opened and tried before any work is done with it.

Raises `ConfigError` for one that can't be used, with the reason.
"""

from collections.abc import Callable

from scraper.errors import ConfigError, StoreError
from scraper.store import Store

__all__ = ["readable_store", "writable_store"]


def readable_store(url: str) -> Store:
    """Open a store that answers. Raises: `ConfigError`."""
    return _opened(url, Store.check_readable)


def writable_store(url: str) -> Store:
    """Open a store that takes values. Raises: `ConfigError`."""
    return _opened(url, Store.check_writable)


def _opened(url: str, check: Callable[[Store], None]) -> Store:
    try:
        store = Store(url)
        check(store)
    except StoreError as error:
        raise ConfigError(f"{url} can't be used as a store: {error}") from error
    return store
