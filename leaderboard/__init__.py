"""What a score is worth among humans (`boards`), and what was done (`ledger`). Imports `competitions` alone."""
