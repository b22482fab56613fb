"""A competition and how it is scored: its files, task, metric, folds and submission.

Imports none of the other packages.
"""
