"""Processes beside this one: workers that fetch, parsers that can be stopped."""
