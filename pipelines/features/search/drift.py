"""Drift of features: what may not mean in test what it means in train, which folds, cut from train, cannot show."""

from __future__ import annotations

import numpy as np

from medalist.competitions.columns.drift import number_drift
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.language.expression import Column, Feature, nodes
from medalist.pipelines.features.language.registry import kind_of, operator_of

DRIFT = 0.03  # Kolmogorov-Smirnov distance between train and test beyond chance and beyond the columns' own


def drifts(frame: Frame, feature: Feature) -> bool:
    """Whether a feature of all rows is further apart between train and test than the columns it is made from.

    Features of all rows are those that depend on which rows are there: neighbours in time or value, sizes of groups.
    """
    parts = {n for n in nodes(feature) if isinstance(n, Feature) and not operator_of(n).renames}
    return any(
        _part_drifts(frame, n) for n in parts if kind_of(n) == "transductive" and operator_of(n).gives != "sparse"
    )


def new_in_test(frame: Frame, key: Key) -> float:
    """The share of test rows with a value of the key that training never has."""
    seen = np.zeros(key.size, dtype=bool)
    seen[key.codes[: frame.n_train]] = True
    tested = key.codes[frame.n_train :]
    return float((~seen[tested]).mean()) if len(tested) else 0.0


def _part_drifts(frame: Frame, feature: Feature) -> bool:
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(frame.value(feature), dtype=np.float64).reshape(frame.n, -1)
    except PipelineError:
        return True
    limit = DRIFT + max((_drift_of(frame, c) for c in feature.columns), default=0.0)
    return any(_apart(frame, value[:, j]) > limit for j in range(min(value.shape[1], 8)))


def _drift_of(frame: Frame, name: str) -> float:
    key = ("drift", name)
    return frame.shared(key, lambda: _apart(frame, frame.key(Column(name)).codes.astype(float)))


def _apart(frame: Frame, values: np.ndarray) -> float:
    """How far (n,) values lie apart between train and test, or the shares of missing ones, whichever is more."""
    n = frame.n_train
    gaps = abs(float(np.isnan(values[:n]).mean()) - float(np.isnan(values[n:]).mean())) if len(values) > n else 0.0
    return max(gaps, number_drift(values[:n], values[n:], most=20_000))
