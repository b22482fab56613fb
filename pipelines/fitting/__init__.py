"""Fitting a pipeline: one fold, inner folds, several targets, stacking, pseudo-labels; and combining the folds."""
