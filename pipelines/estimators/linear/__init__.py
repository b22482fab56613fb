"""Linear models: ridge and logistic regression on design matrices of numbers, categories and text."""
