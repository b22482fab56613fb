"""Human leaderboards: medal rules, the boards that are known, and where a score stands on them."""
