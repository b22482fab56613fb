"""Nights: several competitions worked on within one window, night after night, and the report on it."""
