"""The report on a run or a night: an HTML page that needs no network, drawn from the ledger and the run's folder."""
