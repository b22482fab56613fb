"""Reading the metric from a competition's description: phrases, qualifiers and formulas."""
