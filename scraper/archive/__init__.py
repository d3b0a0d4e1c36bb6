"""The archive of a batch: its pages as fetched, and every attempt, in WARC 1.1 files."""

from scraper.archive.archive import Archive, ArchiveMemory
from scraper.archive.progress import Progress
from scraper.archive.reading import Place, read_page

__all__ = ["Archive", "ArchiveMemory", "Place", "Progress", "read_page"]
