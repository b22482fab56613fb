"""Fits inside the training part of a fold: what a model says of rows that it was not fitted on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted
from medalist.pipelines.estimators.predictions import constant_fit, require_finite
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.fitting.matrices import some_rows
from medalist.pipelines.problem import Problem

LINEAR_ALPHA = 3.0
LINEAR_FOLDS = 5


def fit_one(family: Family, request: FitRequest, left: int = 1) -> Fitted:
    """One of `left` fits that share the time until the deadline; a target of one value is constant.

    Raises PipelineError where not all predictions are numbers.
    """
    now = time.monotonic()
    request = replace(request, deadline=now + (request.deadline - now) / left)
    if not np.ptp(request.y) > 0:
        return constant_fit(request)
    fitted = family.fit_predict(request)
    require_finite(family.title, fitted.valid, fitted.test)
    return fitted


def out_of_fold(family: Family, request: FitRequest, folds: int, *, rounds: int = 0, left: int = 0) -> np.ndarray:
    """(n,) what models of the other inner folds predict for each training row of a request for one target.

    rounds: boosting rounds of each; left: how many fits share the time, these included.
    """
    n = len(request.y)
    inner = np.random.default_rng(request.seed).permutation(n) % min(folds, n)
    out = np.empty(n)
    for k in range(int(inner.max()) + 1):
        held, others = np.flatnonzero(inner == k), np.flatnonzero(inner != k)
        asked = replace(
            request,
            train=some_rows(request.train, others),
            y=request.y[others],
            valid=some_rows(request.train, held),
            y_valid=None,
            test=some_rows(request.test, np.arange(0)),
            rounds=max(1, rounds),
            cache=None,
            weights=None if request.weights is None else request.weights[others],
            weights_valid=None,
        )
        out[held] = fit_one(family, asked, max(left, folds) - k).valid
    return out


def linear_base(
    problem: Problem,
    matrices: Sequence[Matrix],
    rows: Sequence[np.ndarray],
    y: np.ndarray,
    n: int,
    *,
    weights: np.ndarray | None,
    seed: int,
    deadline: float = float("inf"),
) -> np.ndarray:
    """(n, T) what a linear model says: of training rows by the other inner folds, of the others by all of them.

    Parameters
    ----------
    matrices, rows: of the training, the validation and the test rows; rows are positions among the n.
    y: (m, T) the training rows' values on the scale on which they are fitted.
    weights: (m,) how much each training row counts.
    deadline: seconds of `time.monotonic()`; fits that begin later are constants.
    """
    from medalist.pipelines.estimators.linear.models import FAMILY

    train, valid, test = matrices
    base = np.zeros((n, y.shape[1]))
    for t in range(y.shape[1]):
        request = FitRequest(
            problem=problem,
            params={"alpha": LINEAR_ALPHA},
            train=train,
            y=y[:, t],
            valid=valid,
            y_valid=None,
            test=test,
            seed=seed,
            threads=1,
            deadline=deadline,
            weights=weights,
        )
        later = fit_one(FAMILY, request)
        base[rows[1], t], base[rows[2], t] = later.valid, later.test
        base[rows[0], t] = out_of_fold(FAMILY, request, LINEAR_FOLDS)
    return base
