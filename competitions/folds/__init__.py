"""Folds that mirror how test was separated from train: evidence, plan, splits.

`task`, `audit` and `holdout.py` use it, and whoever cross-validates.
"""
