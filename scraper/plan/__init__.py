"""Plan: rows become partitions of hosts, partitions become batches, before anything is fetched.

`prepare` plans a new run from its lists, `next_wave` what a wave left over; both cut alike.
`estimate_crawl` only says what a run would be, and writes nothing.
"""
