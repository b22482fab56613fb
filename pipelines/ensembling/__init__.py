"""Selecting and weighting an ensemble on out-of-fold predictions, and the loss that compares single predictions. For
the agent; uses metrics and `problem` alone."""
