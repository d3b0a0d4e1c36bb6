"""The crawl of the demo website: a folder and a port in, a list and a crawl file out.

The list has good and bad rows mixed, some of them twice; `EXPECTED` says how a first crawl of
it ends, to the row. `OSError` when the folder can't be written.

Source: the routes of `scraper.demo.site`; RFC 4180 (CSV).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path

from scraper.demo.site import DEFAULT_PORT, HOSTS, shop_products, troubles
from scraper.models import Reason

__all__ = ["DUPLICATES", "EXPECTED", "ROWS", "list_rows", "write_demo"]

INVALID_URLS = ("htp:/broken", "https://", f"ftp://{HOSTS[0]}/price-list.txt")
PRODUCTS_BETWEEN_TROUBLES = 14
ROWS_BETWEEN_DUPLICATES = 80

CRAWL_FILE = """\
# The crawl of the demo website: ten small shops on this machine.

seeds = ["demo.csv"]                      # read from beside this file

[settings.network]
allow = ["127.0.0.0/8"]                   # private addresses are refused unless named here

[settings.throttle]
delay_s = 0.1                             # a tenth of the default: the shops are our own

[[sites]]
name = "demo-shop"
hosts = ["localhost"]                     # and all names under it: shop-1.localhost, ...
kind = "product"

[sites.fields]
# the heading; a page without one is `missing_field`
name = { css = "h1", required = true }
# a path into the page's JSON-LD, and a number in the dataset
price = { json_ld = "offers.price", type = "float" }
# from the JSON-LD too, as text
currency = { json_ld = "offers.priceCurrency" }
# an attribute; where there is none, the JSON-LD
sku = { css = ".sku", attr = "data-sku", json_ld = "sku" }
# the text of the last step of the breadcrumb
category = { css = ".breadcrumb .category" }
# what the page says of itself in its head
description = { css = 'meta[name="description"]', attr = "content" }
# an address, made absolute
image = { css = ".photo img", attr = "src", type = "url" }
"""

Row = tuple[str, str, Reason]


def write_demo(folder: Path, port: int) -> Path:
    """Write `demo.csv` and `demo.toml` for a server at this port; the latter's path is returned.

    Raises:
        OSError: the folder can't be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("url", "shelf"))
    writer.writerows((url, shelf) for url, shelf, _ in list_rows(port))
    (folder / "demo.csv").write_text(table.getvalue(), encoding="utf-8", newline="\n")
    crawl_file = folder / "demo.toml"
    crawl_file.write_text(CRAWL_FILE, encoding="utf-8", newline="\n")
    return crawl_file


def list_rows(port: int) -> list[Row]:
    """The rows of the list in order: URL, shelf, and how a first crawl ends. Raises: nothing."""
    shops = [list(_shop_rows(shop, port)) for shop in range(1, len(HOSTS) + 1)]
    in_turn = chain.from_iterable(zip_longest(*shops))
    unique = [row for row in in_turn if row is not None]
    rows: list[Row] = []
    broken = iter(INVALID_URLS)
    for place, row in enumerate(unique, start=1):
        rows.append(row)
        if place % ROWS_BETWEEN_DUPLICATES == 0:
            rows.append(unique[place - ROWS_BETWEEN_DUPLICATES // 2])
            rows += [(url, "typo", Reason.INVALID_URL) for url in islice(broken, 1)]
    return rows


def _shop_rows(shop: int, port: int) -> Iterator[Row]:
    """A shop's products, a trouble after every so many of them."""
    origin = f"http://{HOSTS[shop - 1]}:{port}"
    waiting = [trouble for trouble in troubles(port) if shop in trouble.shops]
    for number, product in enumerate(shop_products(shop), start=1):
        yield origin + product.path, product.category, Reason.OK
        if number % PRODUCTS_BETWEEN_TROUBLES == 0 and waiting:
            trouble = waiting.pop(0)
            yield origin + trouble.path, trouble.name, trouble.ends_as


def _count() -> tuple[int, int, dict[str, int]]:
    rows = list_rows(DEFAULT_PORT)
    unique = dict.fromkeys(rows)
    reasons = Counter(reason.value for _, _, reason in unique)
    return len(rows), len(rows) - len(unique), dict(sorted(reasons.items()))


ROWS, DUPLICATES, EXPECTED = _count()
"""Rows of the list, how many of them are duplicates, and the others' outcomes by reason."""
