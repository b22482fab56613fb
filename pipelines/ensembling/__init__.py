"""Selecting and weighting an ensemble on out-of-fold predictions."""
