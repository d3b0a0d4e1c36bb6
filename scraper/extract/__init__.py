"""Pages → items: decode, parse once, apply the site's rule or take the generic fields."""

from scraper.extract.page import Extraction, extract, parse_page

__all__ = ["Extraction", "extract", "parse_page"]
