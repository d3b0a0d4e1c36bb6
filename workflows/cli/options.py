"""Options that several commands have."""

import rich_click as click

__all__ = ["crawl_option", "json_option", "set_option", "store_option", "url_column_option"]

store_option = click.option(
    "--store",
    envvar="SCRAPER_STORE",
    default="crawls",
    show_default=True,
    metavar="DIR|URL",
    help="Where crawls live.",
)
crawl_option = click.option(
    "--crawl", metavar="NAME", help="Name of the crawl; default: that of the list."
)
url_column_option = click.option(
    "--url-column", metavar="NAME", help="Column of the list that holds the URL."
)
set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting, such as throttle.delay_s=0.5.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
