"""One run of a crawl at a time: a numbered lease in the store, kept alive by a heartbeat.

In: a store, a crawl, who asks. Out: a `Lease` that is held until it is released, lost or stale.
The newest of `<crawl>/lease/000001`, … counts. A lease is taken by create-if-absent alone (a local
store has no compare-and-swap): of two that begin at the same instant, one gets the next number.
A holder overwrites its own lease only, every `HEARTBEAT_S`, and stops when it sees a newer one.

Ages are by the store's own clock: those of two machines need not agree. Times in seconds.
Raises `LeaseHeld` when another run is alive, `LeaseLost` when it was taken over, `StoreError`.

Source: the leases of Chubby and of Kubernetes (coordination.k8s.io), without compare-and-swap.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from types import TracebackType

import orjson

from scraper.errors import ConfigError, LeaseHeld, LeaseLost, StoreError
from scraper.layout import crawl_key
from scraper.process import ThisProcess, is_gone, this_process
from scraper.store import Store

__all__ = ["HEARTBEAT_S", "STALE_S", "Lease", "check_free", "take_lease"]

HEARTBEAT_S = 10.0
STALE_S = 60.0
"""Older than this a heartbeat is that of a holder who is gone."""

_ASK_STORE_FOR_S = STALE_S - 2 * HEARTBEAT_S
"""How long a store may fail before the holder must fear that others think it gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """What stands in a lease. `owner` is the same for all attempts of one orchestrator."""

    run: str
    owner: str | None
    process: ThisProcess
    is_released: bool = False

    def as_text(self) -> bytes:
        return orjson.dumps(asdict(self) | {"heartbeat_at": time.time()})


class Lease:
    """A lease that was taken. Made by `take_lease`.

    `on_lost` is called once, in another thread, when it is lost.
    """

    def __init__(
        self,
        store: Store,
        crawl: str,
        *,
        number: int,
        holder: _Holder,
        on_lost: Callable[[], None],
    ) -> None:
        self._store, self._crawl, self._holder = store, crawl, holder
        self.number, self._on_lost = number, on_lost
        self._failure: LeaseLost | StoreError | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="lease", daemon=True)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A store that fails now has failed before, and the lease gets stale by itself.
        with contextlib.suppress(StoreError):
            self.release(without_trace=kind is not None and issubclass(kind, ConfigError))

    def check(self) -> None:
        """Make sure that the lease is still ours.

        Raises:
            LeaseLost: it isn't.
            StoreError: the store failed.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._beat()
        except LeaseLost as lost:
            self._lose(lost)
            raise

    def release(self, *, without_trace: bool = False) -> None:
        """Let others begin at once; without a trace if nothing came of it. Doing so twice is fine.

        Raises:
            StoreError: the store failed; the lease gets stale by itself.
        """
        if self._over.is_set():
            return
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(HEARTBEAT_S)
        if self._failure is not None or _newest(self._store, self._crawl) != self.number:
            return
        if without_trace and self.number == 1:
            self._store.delete(*self._store.list(crawl_key(self._crawl, "lease")))
        else:
            self._write(replace(self._holder, is_released=True))

    def keep(self) -> "Lease":
        """Begin the heartbeat. Raises: nothing."""
        self._thread.start()
        return self

    def _beat_on(self) -> None:
        beaten_at = time.monotonic()
        while not self._over.wait(HEARTBEAT_S):
            try:
                self._beat()
                beaten_at = time.monotonic()
            except LeaseLost as lost:
                self._lose(lost)
            except StoreError as error:
                if time.monotonic() - beaten_at > _ASK_STORE_FOR_S:
                    self._lose(error)

    def _beat(self) -> None:
        newest = _newest(self._store, self._crawl)
        if newest != self.number:
            # A lease that vanished with its store isn't made again either.
            word = "was taken over by another process" if newest else "is gone from the store"
            raise LeaseLost(f"the lease of {self._holder.run} {word}: this one stops")
        self._write(self._holder)

    def _lose(self, failure: LeaseLost | StoreError) -> None:
        self._failure = failure
        self._over.set()
        self._on_lost()

    def _write(self, holder: _Holder) -> None:
        self._store.put(_key(self._crawl, self.number), holder.as_text())


def check_free(store: Store, crawl: str) -> None:
    """Look whether a run of a crawl could begin now. Raises: `LeaseHeld`, `StoreError`."""
    if number := _newest(store, crawl):
        _check_free(store, crawl, number, owner=None)


def take_lease(
    store: Store,
    run: str,
    *,
    owner: str | None = None,
    on_lost: Callable[[], None] = lambda: None,
) -> Lease:
    """Take the lease of a run's crawl and keep it alive.

    Args:
        store: where the crawl lives.
        run: `<crawl>/<run_id>`, for those who come and find it taken.
        owner: a later attempt of the same one takes over at once.
        on_lost: called once, in another thread, when the lease is lost.

    Raises:
        LeaseHeld: another run is alive, or may be.
        StoreError: the store failed.
    """
    crawl = run.partition("/")[0]
    holder = _Holder(run=run, owner=owner, process=this_process())
    while True:
        if number := _newest(store, crawl):
            _check_free(store, crawl, number, owner=owner)
        lease = Lease(store, crawl, number=number + 1, holder=holder, on_lost=on_lost)
        if not store.create(_key(crawl, lease.number), holder.as_text()):
            continue
        # Between our look and our take others may have come and gone, and more than one.
        if _newest(store, crawl) != lease.number:
            continue
        # The one before stays: who lists meanwhile finds a number, whatever they miss.
        store.delete(*(_key(crawl, old) for old in _numbers(store, crawl) if old < number))
        return lease.keep()


def _check_free(store: Store, crawl: str, number: int, *, owner: str | None) -> None:
    """Raise `LeaseHeld` if the holder of a lease may be alive."""
    text = store.get(_key(crawl, number))
    if text is None:
        return
    holder = _parse(text)
    if holder is not None:
        mine = owner is not None and holder.owner == owner
        if holder.is_released or mine or is_gone(holder.process):
            return
    age_s = _age_s(store, crawl, number)
    if age_s is not None and age_s <= STALE_S:
        raise LeaseHeld(_told(holder, crawl, age_s))


def _told(holder: _Holder | None, crawl: str, age_s: float) -> str:
    beat = f"its last sign of life is {max(age_s, 0):.0f} s old"
    if holder is None:
        return f"another run of {crawl} is alive; {beat}"
    where = f"process {holder.process.pid} on {holder.process.host}"
    return f"the run {holder.run} is alive ({where}; {beat})"


def _age_s(store: Store, crawl: str, number: int) -> float | None:
    """How old a heartbeat is: what is written now tells the store's own time."""
    clock = crawl_key(crawl, "lease/clock")
    store.put(clock, b"")
    now, beat = store.head(clock), store.head(_key(crawl, number))
    if now is None or beat is None:
        return None
    return (now.modified_at - beat.modified_at).total_seconds()


def _parse(text: bytes) -> _Holder | None:
    """What stands in a lease; none if another version wrote it."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        fields = orjson.loads(text)
        fields.pop("heartbeat_at")
        return _Holder(**fields | {"process": ThisProcess(**fields["process"])})
    return None


def _key(crawl: str, number: int) -> str:
    return crawl_key(crawl, f"lease/{number:06d}")


def _newest(store: Store, crawl: str) -> int:
    return max(_numbers(store, crawl), default=0)


def _numbers(store: Store, crawl: str) -> Iterator[int]:
    for key in store.list(crawl_key(crawl, "lease")):
        name = key.rsplit("/", 1)[1]
        if name.isascii() and name.isdigit():
            yield int(name)
