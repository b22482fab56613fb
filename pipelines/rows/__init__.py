"""Rows as part of a pipeline: which training rows a fold is fitted on, how much each counts, and with which target."""
