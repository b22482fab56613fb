"""The feature language: parsing and printing expressions, and describing them in words. Needs neither numpy nor
pandas."""
