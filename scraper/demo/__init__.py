"""A small, troublesome website on this machine, and a crawl of it.

with serve_demo() as server:
    crawl_file = write_demo(Path("demo"), server.port)
"""

from scraper.demo.crawl import write_demo
from scraper.demo.server import serve_demo

__all__ = ["serve_demo", "write_demo"]
