"""One run from a path to a summary: setting it up, its deadline, resuming it, showing it."""
