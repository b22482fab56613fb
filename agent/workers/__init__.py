"""Where experiments run: child processes, their limits, threads and costs."""
