"""Human leaderboards that ship with the package."""
