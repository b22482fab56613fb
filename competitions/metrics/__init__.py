"""Metrics: what a competition is scored by, and how a description names it. Start with `registry.get_metric`.

No module here depends on files or tasks.
"""
