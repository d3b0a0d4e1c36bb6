"""Flyte: the environments, the two traced phases, the batch task, the orchestrator."""
