"""The database of runs, experiments, features, submissions and standings (`ledger.Ledger`). `agent` uses it."""
