"""Kaggle's own client, which nothing else may import."""
