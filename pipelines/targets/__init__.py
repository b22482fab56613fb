"""Transformations of the target: scales, and values relative to the level or trend of a series."""
