"""Who we are on the wire and in our files.

The version stands here, not in the package's metadata: a container may have the code alone.
"""

__all__ = ["PRODUCT", "VERSION"]

PRODUCT = "flyte-scraper"
"""The product token: what robots.txt files may name."""

VERSION = "0.1.0"
