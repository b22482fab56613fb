"""Reading the metric from a competition's description: phrases, the words around them, formulas."""
