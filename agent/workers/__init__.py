"""Running jobs: child processes, their limits and threads, and the cost model of fits."""
