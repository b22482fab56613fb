"""From canonical predictions to what the metric scores: thresholds, cut-points, calibration, rounding; fitted out of
fold. For the agent; uses metrics and `problem` alone."""
