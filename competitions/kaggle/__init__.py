"""Access to Kaggle: downloads, submissions, boards. No other package imports Kaggle's client."""
