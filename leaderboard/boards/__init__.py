"""Human leaderboards: medal rules, boards, and the standing of a score on a board. `ledger` and `agent` use it."""
