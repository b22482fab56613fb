"""Candidates: features, estimators, target transformations, their cross-validation and their combination.

Imports `competitions` alone.
"""
