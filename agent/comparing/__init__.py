"""Compares runs, submission files and baselines on the same rows, and places each among humans."""
