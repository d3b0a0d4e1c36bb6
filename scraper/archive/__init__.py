"""The archive of a batch: its pages as fetched, and every attempt, in WARC 1.1 files."""

from scraper.archive.archive import Archive, Place, Progress

__all__ = ["Archive", "Place", "Progress"]
