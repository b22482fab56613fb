"""The audit: checks of the data for what could mislead a score, such as leaks, drift and duplicates.

Its findings are reported to a person; nothing is exploited.
"""
