"""The feature language: parsing and printing expressions, and saying them in words. Needs neither numpy nor pandas."""
