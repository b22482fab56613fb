"""Storing a run: predictions, ledger rows, submissions and events."""
