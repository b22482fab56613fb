"""Checks for leaks and drift. Findings are reported; nothing is exploited."""
