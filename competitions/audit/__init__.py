"""The audit: checks of the data for what could mislead a score, such as leaks, drift and duplicates.

Findings are reported to a person; no check changes the data or the search.
"""
