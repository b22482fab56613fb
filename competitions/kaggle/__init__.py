"""Access to Kaggle: downloads. No other package imports Kaggle's client."""
