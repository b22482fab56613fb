"""A run from a path to a summary: set-up, deadline, resuming and display."""
