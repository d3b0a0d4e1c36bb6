"""Options that several commands have."""

import rich_click as click

__all__ = ["json_option", "store_option"]

store_option = click.option(
    "--store",
    envvar="SCRAPER_STORE",
    default="crawls",
    show_default=True,
    metavar="DIR|URL",
    help="Where crawls live.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the summary as a JSON object."
)
