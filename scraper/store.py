"""Where crawls live: a folder or an object-store URL, by key.

Keys are `/`-separated text; values are bytes. A put is atomic, a create is atomic and exclusive.
There is no rename and no path: what needs a file (DuckDB) asks for `local_file`.

Raises `StoreError` wherever the store fails us: never a half-written value.

Source: obstore, which Flyte uses too.
"""

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, from_url

from scraper.errors import StoreError
from scraper.store_folder import append_to, check_is_there, read_range, sweep
from scraper.store_trouble import SCHEMES, reason_of, refuse_without_bucket

__all__ = ["Head", "Store"]

_PATTERN = re.compile(r"[*?\[]")
_KNOWN = re.compile(rf"({'|'.join(SCHEMES)})://[^/]|memory://")
_RETRY_FOR = timedelta(seconds=20)
"""Less than a lease takes to get stale: a store that is gone is told before others come."""


class Head(NamedTuple):
    """What a store says of a value: its bytes, and when it was written by the store's clock."""

    size: int
    modified_at: datetime


class Store:
    """Values by key, in a folder or an object store.

    Args:
        url: a folder's path, or `s3://`, `gs://`, `az://` with credentials from the environment.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._folder = None if "://" in url else Path(url).absolute()
        with _told(url):
            if self._folder is None and not _KNOWN.match(url):
                raise ValueError("it is neither a folder nor s3://, gs:// or az:// and a bucket")
            self._store = (
                from_url(url, retry_config={"retry_timeout": _RETRY_FOR})
                if self._folder is None
                else LocalStore(prefix=self._folder, mkdir=True, automatic_cleanup=True)
            )

    @property
    def can_append(self) -> bool:
        """Whether `append` works: a folder can, an object store can't."""
        return self._folder is not None

    def sweep(self, prefix: str) -> None:
        """Remove what writes left below a prefix that were killed half-way. Raises: nothing."""
        if self._folder is not None:
            sweep(self._folder / prefix)

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Write a value, replacing what is there.

        Raises:
            StoreError: nothing was written.
        """
        with _told(key):
            self._check_is_there()
            obstore.put(self._store, key, data)

    def create(self, key: str, data: bytes) -> bool:
        """Write a value unless the key exists; say whether it was written. Raises: `StoreError`."""
        with _told(key):
            self._check_is_there()
            try:
                obstore.put(self._store, key, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def append(self, key: str, data: bytes, *, at: int) -> None:
        """Add to the end of a value; a crash may leave a torn tail.

        Args:
            key: of the value; its folder must be there.
            data: what is added.
            at: how long the value is, as far as we know: another end isn't ours to write to.

        Raises:
            StoreError: not all was written, the end is elsewhere, or this store can't append.
        """
        if self._folder is None:
            raise StoreError(f"{self.url}: an object store can't append")
        with _told(key):
            append_to(self._folder / key, data, at=at)

    def head(self, key: str) -> Head | None:
        """Size and age of a value; none if there is no such key. Raises: `StoreError`."""
        with _told(key):
            try:
                found = obstore.head(self._store, key)
            except FileNotFoundError:
                return None
            return Head(found["size"], found["last_modified"])

    def get(self, key: str) -> bytes | None:
        """Read a value; none if there is no such key. Raises: `StoreError`."""
        with _told(key):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError as error:
                refuse_without_bucket(error)
                return None

    def stream(self, key: str) -> Iterator[bytes]:
        """Read a value in pieces; nothing if there is no such key. Raises: `StoreError`."""
        with _told(key):
            try:
                yield from (bytes(chunk) for chunk in obstore.get(self._store, key).stream())
            except FileNotFoundError as error:
                refuse_without_bucket(error)
                return

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Read a piece of a value.

        Raises:
            StoreError: the store failed or has no such piece.
        """
        with _told(key):
            if self._folder is None:
                found = bytes(obstore.get_range(self._store, key, start=start, length=length))
            else:
                # Pages are read back one by one: this costs a fifth of obstore's way.
                found = read_range(f"{self._folder}/{key}", start, length)
            if len(found) < length:
                raise OSError(f"{length} bytes were wanted at {start}, there are {len(found)}")
            return found

    def folders(self, prefix: str = "") -> list[str]:
        """The names of the folders right below a prefix, sorted. Raises: `StoreError`."""
        with _told(prefix or self.url):
            found = obstore.list_with_delimiter(self._store, prefix or None)
            return sorted(path.rsplit("/", 1)[-1] for path in found["common_prefixes"])

    def list(self, prefix: str) -> list[str]:
        """The keys below a prefix (whole path segments), sorted. Raises: `StoreError`."""
        return list(self.sizes(prefix))

    def sizes(self, prefix: str) -> dict[str, int]:
        """The bytes of each value below a prefix, sorted by key. Raises: `StoreError`."""
        return {key: size for key, (size, _) in sorted(self.stamps(prefix).items())}

    def stamps(self, prefix: str) -> dict[str, tuple[int, str]]:
        """The keys below a prefix, each with its size and a tag that every write changes.

        Raises:
            StoreError: the store failed.
        """
        with _told(prefix):
            return {
                entry["path"]: (entry["size"], entry["e_tag"] or str(entry["last_modified"]))
                for chunk in obstore.list(self._store, prefix)
                for entry in chunk
            }

    def delete(self, *keys: str) -> None:
        """Remove values; those that aren't there are no error. Raises: `StoreError`."""
        with _told(", ".join(keys)):
            for key in keys:
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue

    def local_file(self, key: str, scratch: Path) -> Path | None:
        """A file with the value: the folder's own, or a copy in `scratch`; none if no such key.

        A path that DuckDB would take for a pattern is copied too.

        Raises:
            StoreError: the store failed.
        """
        with _told(key):
            path = self._folder / key if self._folder is not None else None
            if path is not None and not _PATTERN.search(str(path)):
                return path if path.is_file() else None
            try:
                chunks = obstore.get(self._store, key).stream()
            except FileNotFoundError as error:
                refuse_without_bucket(error)
                return None
            target = scratch / key.replace("/", "~")
            with target.open("wb") as file:
                file.writelines(bytes(chunk) for chunk in chunks)
            return target

    def put_file(self, key: str, path: Path) -> None:
        """Write the content of a local file as a value.

        Raises:
            StoreError: nothing was written.
        """
        with _told(key), path.open("rb") as file:
            self.put(key, file)

    def address(self, key: str) -> str:
        """Where a person finds a value: a path or a URL."""
        return f"{self.url.rstrip('/')}/{key}"

    def check_writable(self) -> None:
        """Prove that the store takes a value, before any work is done for it.

        Raises:
            StoreError: it doesn't, and why.
        """
        self.put(".writable", b"")
        self.delete(".writable")

    def check_readable(self) -> None:
        """Prove that the store answers, before anything is looked for in it.

        Raises:
            StoreError: it doesn't, and why.
        """
        self.get(".writable")

    def _check_is_there(self) -> None:
        if self._folder is not None:
            check_is_there(self._folder)


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn whatever the store raises into one line that names the key."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise StoreError(f"store: {what}: {reason_of(error)}") from error
