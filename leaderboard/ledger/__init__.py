"""The ledger: runs, experiments, features, submissions and standings, in SQLite or PostgreSQL."""
