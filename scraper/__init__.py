"""Turn a list of URLs into a complete, accounted-for dataset.

    >>> from scraper import scrape_page
    >>> scraped = await scrape_page("https://books.toscrape.com/")
    >>> scraped.items[0]["title"]

Plain Python: nothing here imports Flyte.
"""
