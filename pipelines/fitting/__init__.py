"""Fitting one pipeline: one fold, inner folds, several targets, stacked and pseudo-labelled rows."""
