"""Metrics: what a competition is scored by, and how a description names it. Any module may use it; it knows nothing of
files or tasks. Start with `registry.get_metric`."""
