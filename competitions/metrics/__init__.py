"""Metrics: what a competition is scored by, and how a description names it. Knows nothing of files or tasks."""
