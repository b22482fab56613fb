"""Post-processing of canonical predictions for the metric: thresholds, cut-points, calibration, rounding; fitted on
out-of-fold predictions. For the agent; uses metrics and `problem` alone."""
