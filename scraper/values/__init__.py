"""The text of a field → its value: numbers, money, dates, as a locale writes them."""

from scraper.values.reading import PLAIN, Kind, Money, Reading, Value
from scraper.values.typed import typed

__all__ = ["PLAIN", "Kind", "Money", "Reading", "Value", "typed"]
