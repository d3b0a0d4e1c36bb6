"""Turn a list of URLs into a complete, accounted-for dataset.

    >>> from scraper import scrape_page
    >>> scraped = await scrape_page("https://books.toscrape.com/")
    >>> scraped.items[0]["title"]

Plain Python: nothing here imports Flyte.
"""

from scraper.errors import ConfigError, RunError, ScraperError, StoreError
from scraper.extract.document import Document
from scraper.extract.explain import explain
from scraper.extract.found import Found
from scraper.extract.page import parse_page
from scraper.models import Outcome, Page, Reason, Status
from scraper.rules import FieldRule, SiteRule
from scraper.settings_table import Settings
from scraper.single import Scraped, scrape_page

__all__ = [
    "ConfigError",
    "Document",
    "FieldRule",
    "Found",
    "Outcome",
    "Page",
    "Reason",
    "RunError",
    "Scraped",
    "ScraperError",
    "Settings",
    "SiteRule",
    "Status",
    "StoreError",
    "explain",
    "parse_page",
    "scrape_page",
]
