"""Who we are on the wire and in our files."""

from importlib.metadata import version

__all__ = ["PRODUCT", "VERSION"]

PRODUCT = "flyte-scraper"
"""The product token: what robots.txt files may name."""

VERSION = version(PRODUCT)
