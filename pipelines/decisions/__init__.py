"""From predictions to what the metric scores: thresholds, cut-points, calibration, rounding; fitted out of fold."""
