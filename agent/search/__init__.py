"""The search of a run: giving jobs to workers, pruning, and the close on fresh folds."""
