"""Pages → items: decode, parse once, apply the site's rule or take the generic fields."""

from scraper.extract.explain import explain
from scraper.extract.page import Extraction, extract, parse_page

__all__ = ["Extraction", "explain", "extract", "parse_page"]
