"""Competitions that are known by name, and what they are scored by."""
