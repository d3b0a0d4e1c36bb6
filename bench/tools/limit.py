"""The limit: pycurl's multi interface and our parser, and nothing else.

    python limit.py LIST OUT CONNECTIONS PER_HOST PEERS [--fetch-only]

No robots.txt, no throttle, no archive, no accounting, no retries: what is left is what any crawler
in Python has to pay. The record is our generic one, written as JSON lines. PEERS is the folder of
packages in which pycurl is; all else comes from our own environment. With `--fetch-only` nothing
is parsed: this shows what the origin can give.
"""

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import orjson
from selectolax.lexbor import LexborHTMLParser

from scraper.extract.charset import decode_html
from scraper.extract.generic import generic_fields

sys.path.append(sys.argv[5])

import pycurl  # found in the folder that was just added

__all__: list[str] = []

_WAIT_S = 1.0


def pages(urls: Iterable[str], connections: int) -> Iterator[tuple[str, bytes]]:
    """Fetch all URLs, as many at once as there are connections."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, connections)
    free, left, busy = [_handle() for _ in range(connections)], iter(urls), 0
    while True:
        while free and (url := next(left, None)) is not None:
            curl = free.pop()
            curl.body, curl.asked = BytesIO(), url
            curl.setopt(pycurl.URL, url)
            curl.setopt(pycurl.WRITEDATA, curl.body)
            multi.add_handle(curl)
            busy += 1
        if not busy:
            return
        multi.perform()
        _, done, failed = multi.info_read()
        if failed:
            raise SystemExit(f"{failed[0][0].asked}: {failed[0][2]}")
        for curl in done:
            multi.remove_handle(curl)
            busy -= 1
            yield curl.asked, curl.body.getvalue()
            free.append(curl)
        if not done:
            multi.select(_WAIT_S)


def _handle() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.FAILONERROR, 1)
    curl.setopt(pycurl.ACCEPT_ENCODING, "gzip, deflate")
    return curl


def main(urls: str, out: str, connections: int, *, fetch_only: bool) -> None:
    """Crawl a list into a file."""
    with Path(urls).open() as lines, Path(out).open("wb") as file:
        for url, body in pages(map(str.strip, lines), connections):
            if not fetch_only:
                tree = LexborHTMLParser(decode_html(body, "text/html; charset=utf-8").text)
                fields = {"url": url} | generic_fields(tree, url)
                file.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), fetch_only="--fetch-only" in sys.argv)
