"""Human leaderboards: medal rules, boards, and where a score stands on them. `ledger` and `agent` use it."""
