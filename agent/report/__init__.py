"""The report on a run: one HTML page that needs no network, drawn from the ledger and the run's folder alone."""
