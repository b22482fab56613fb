"""Selecting and weighting an ensemble on out-of-fold predictions, and the loss by which candidates are compared. For
the agent; uses metrics and `problem` alone."""
