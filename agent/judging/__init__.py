"""Judging finished experiments: scores, comparisons, tests of features and the ensemble. Does no I/O."""
