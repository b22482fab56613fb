"""A competition and how it is scored: its files, task, metric, folds, audit and submission.

Every other package may use it, and it imports none of them.
"""
