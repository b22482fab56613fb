"""The experiments of a run: handing out jobs, pruning, closing on fresh folds."""
