"""Scores of labels as functions of confusion tables, for many tables at once.

A table holds counts, true class by row and predicted class by column; counts need not be whole numbers (a search for
thresholds resamples rows). Every score takes tables (..., K, K) and returns (...), greater being better.
"""

from __future__ import annotations

import numpy as np


def confusion_tables(
    y: np.ndarray, predicted: np.ndarray, n_classes: int, group: np.ndarray | None = None
) -> np.ndarray:
    """The confusion table (K, K) of true codes y (n,) and predicted codes (n,).

    With `group` (n,), codes from 0 on, the tables (G, K, K) of the rows of each group.
    """
    cells = y.astype(np.intp) * n_classes + predicted.astype(np.intp)
    if group is None:
        return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes).astype(float)
    groups = int(group.max()) + 1
    cells += group.astype(np.intp) * n_classes**2
    return np.bincount(cells, minlength=groups * n_classes**2).reshape(groups, n_classes, n_classes).astype(float)


def accuracy(tables: np.ndarray) -> np.ndarray:
    """The share of rows whose label is right."""
    return _ratio(_hits(tables).sum(axis=-1), tables.sum(axis=(-2, -1)))


def balanced_accuracy(tables: np.ndarray) -> np.ndarray:
    """The mean recall of the classes that occur."""
    occurs = tables.sum(axis=-1)
    return _ratio(_ratio(_hits(tables), occurs).sum(axis=-1), (occurs > 0).sum(axis=-1))


def f_beta(tables: np.ndarray, *, average: str = "binary", beta: float = 1.0) -> np.ndarray:
    """The F score of class 1 ("binary"), or its mean ("macro") or mean weighted by frequency ("weighted") over classes.

    Recall counts `beta` times as much as precision. 0 for a class that neither occurs nor is predicted, which a macro
    mean leaves out.
    """
    occurs = tables.sum(axis=-1)
    below = beta**2 * occurs + tables.sum(axis=-2)
    scores = _ratio((1 + beta**2) * _hits(tables), below)
    if average == "binary":
        return np.asarray(scores[..., 1])
    if average == "macro":
        return _ratio(scores.sum(axis=-1), (below > 0).sum(axis=-1))
    return _ratio((scores * occurs).sum(axis=-1), occurs.sum(axis=-1))


def matthews(tables: np.ndarray) -> np.ndarray:
    """Matthews correlation of any number of classes (Gorodkin, 2004); 0 where one class occurs or is predicted."""
    predicted, occurs = tables.sum(axis=-2), tables.sum(axis=-1)
    n = occurs.sum(axis=-1)
    below = (n**2 - (predicted**2).sum(axis=-1)) * (n**2 - (occurs**2).sum(axis=-1))
    covariance = _hits(tables).sum(axis=-1) * n - (predicted * occurs).sum(axis=-1)
    return _ratio(covariance, np.sqrt(np.maximum(below, 0)))


def quadratic_kappa(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa with squared distances between codes (Cohen, 1968); 0 where chance alone would agree always."""
    index = np.arange(tables.shape[-1])
    return _kappa(tables, (index[:, None] - index) ** 2)


def linear_kappa(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa with distances between codes (Cohen, 1968); 0 where chance alone would agree always."""
    index = np.arange(tables.shape[-1])
    return _kappa(tables, np.abs(index[:, None] - index))


def kappa(tables: np.ndarray) -> np.ndarray:
    """Cohen's kappa (Cohen, 1960), for which all errors are alike; 0 where chance alone would agree always."""
    return _kappa(tables, 1 - np.eye(tables.shape[-1]))


def _kappa(tables: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Cohen's kappa with a weight (K, K) for each pair of classes."""
    predicted, occurs = tables.sum(axis=-2), tables.sum(axis=-1)
    observed = (tables * distance).sum(axis=(-2, -1))
    expected = _ratio(((occurs @ distance) * predicted).sum(axis=-1), occurs.sum(axis=-1))
    return np.asarray(np.where(expected > 0, 1 - _ratio(observed, expected), 0.0))


def _hits(tables: np.ndarray) -> np.ndarray:
    """The diagonals (..., K): correct predictions of each class."""
    return np.diagonal(tables, axis1=-2, axis2=-1)


def _ratio(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """parts / whole, 0 where the whole is 0."""
    return np.asarray(np.where(whole > 0, parts / np.where(whole > 0, whole, 1.0), 0.0))
