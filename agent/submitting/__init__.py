"""Submissions to Kaggle: which file, whether it may go, what became of it, and how good the estimates were."""
