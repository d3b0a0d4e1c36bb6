"""Publish: the batches' parts become the dataset of a run, its report and its summary."""
