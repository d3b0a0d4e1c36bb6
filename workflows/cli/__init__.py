"""The command line: one file a group of commands, on top of `scraper` and `workflows`."""
