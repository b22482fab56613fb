"""What is kept: predictions, ledger rows, submissions and events of a run."""
