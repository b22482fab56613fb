"""What a score is worth among humans, and the ledger of what was done. Imports `competitions` alone."""
