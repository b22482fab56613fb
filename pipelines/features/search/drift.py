"""Drift of features between train and test, which cross-validation within train cannot show."""

from __future__ import annotations

import numpy as np

from medalist.competitions.columns.drift import number_drift
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.keys import Key
from medalist.pipelines.features.language.expression import Column, Feature, input_columns, nodes
from medalist.pipelines.features.language.registry import kind_of, operator_of

DRIFT = 0.03  # Kolmogorov-Smirnov distance between train and test, beyond chance and the columns' drift, at most
OWN = 0.99  # distinct values per row, from which on a key is the row's own
MOST_COLUMNS = 8  # columns of a feature that are compared, at most
MOST_ROWS = 20_000  # rows of train, and of test, that are compared, at most


def drifts(frame: Frame, feature: Feature) -> bool:
    """Whether a transductive part of a feature drifts more between train and test than the columns it is made from.

    Transductive features such as lags and group sizes depend on the other rows, and so on how train and test were
    drawn.
    """
    parts = {n for n in nodes(feature) if isinstance(n, Feature) and n.home is None and not operator_of(n).relabels}
    return any(
        _part_drifts(frame, n) for n in parts if kind_of(n) == "transductive" and operator_of(n).gives != "sparse"
    )


def share_new_in_test(frame: Frame, key: Key) -> float:
    """The share of test rows with a value of the key that no train row has; 0 without test rows."""
    in_train = np.zeros(key.size, dtype=bool)
    in_train[key.codes[: frame.n_train]] = True
    of_test = key.codes[frame.n_train :]
    return float((~in_train[of_test]).mean()) if len(of_test) else 0.0


def _part_drifts(frame: Frame, feature: Feature) -> bool:
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(frame.value(feature), dtype=np.float64).reshape(frame.n, -1)
    except PipelineError:
        return True
    limit = DRIFT + max((_column_drift(frame, c) for c in _made_from(frame, feature)), default=0.0)
    return any(_distance(frame, value[:, j]) > limit for j in range(min(value.shape[1], MOST_COLUMNS)))


def _made_from(frame: Frame, feature: Feature) -> list[str]:
    """The columns of a feature, but for a row's own id by which it joins a further table: its drift excuses nothing."""
    inputs = input_columns(feature)
    return [c for c in feature.columns if c in inputs or frame.key(Column(c)).size < OWN * frame.n]


def _column_drift(frame: Frame, name: str) -> float:
    return frame.cached(("drift", name), lambda: _distance(frame, frame.key(Column(name)).codes.astype(float)))


def _distance(frame: Frame, values: np.ndarray) -> float:
    """The distance of (n,) values between train and test, 0 to 1: the Kolmogorov-Smirnov distance beyond chance, or the
    difference of the shares of missing values, whichever is larger."""
    n = frame.n_train
    gaps = abs(float(np.isnan(values[:n]).mean()) - float(np.isnan(values[n:]).mean())) if len(values) > n else 0.0
    return max(gaps, number_drift(values[:n], values[n:], most=MOST_ROWS))
