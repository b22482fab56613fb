"""Access to Kaggle: downloads. Nothing outside this room imports Kaggle's client."""
