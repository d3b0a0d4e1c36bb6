"""A batch's rows, read back from its `seeds.parquet`."""

from datetime import UTC, datetime

from scraper.errors import StoreError
from scraper.layout import batch_key
from scraper.models import Hop, Known, Seed
from scraper.store import Store
from scraper.tables import AMPLE_MB, open_tables, quoted

__all__ = ["read_seeds_part"]

_COLUMNS = "row, url, fetch_url, host, domain, seed, redirects, attempts, known"


def read_seeds_part(store: Store, run: str, batch: str) -> list[Seed]:
    """The rows of a batch, in the order in which they are to be asked for.

    Raises:
        StoreError: the store failed.
    """
    with open_tables(memory_mb=AMPLE_MB) as (tables, scratch):
        key = batch_key(run, batch, "seeds.parquet")
        path = store.local_file(key, scratch)
        if path is None:
            # A batch is planned with its rows: that they are gone is no fault of the batch.
            raise StoreError(f"store: {store.address(key)}: the rows of a batch are gone")
        query = f"SELECT {_COLUMNS} FROM read_parquet({quoted(path)}) ORDER BY row"
        shared = _Shared()
        return [_seed(shared, *found) for found in tables.execute(query).fetchall()]


class _Shared(dict[str, str]):
    """Equal texts as one: many batches are in memory at once, each with all its rows."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


_NO_COLUMNS: dict[str, object] = {}


def _seed(
    shared: _Shared,
    row: int,
    url: str,
    fetch_url: str,
    host: str,
    domain: str,
    columns: dict[str, object] | None,
    redirects: list[dict[str, object]],
    attempts: int,
    known: dict[str, object] | None,
) -> Seed:
    return Seed(
        row=row,
        url=url,
        fetch_url=url if fetch_url == url else fetch_url,
        host=shared[host],
        domain=shared[domain],
        columns=columns or _NO_COLUMNS,
        redirects=tuple(
            Hop(url=str(hop["url"]), status=int(str(hop["status"]))) for hop in redirects
        ),
        attempts=attempts,
        known=_known(known) if known is not None else None,
    )


def _known(found: dict[str, object]) -> Known:
    at = found.pop("fetched_at")
    assert isinstance(at, datetime)
    return Known(**found, fetched_at=at.replace(tzinfo=UTC))  # type: ignore[arg-type]  # as planned
