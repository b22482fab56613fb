"""Folds that mirror how test was separated from train: evidence, plan, splits.

`task`, `audit`, `holdout.py` and all code that cross-validates use it.
"""
