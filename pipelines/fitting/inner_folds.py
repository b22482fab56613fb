"""Inner folds: out-of-fold predictions of the training rows of a fold, for columns, residuals or a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from medalist.competitions.clock import awake
from medalist.pipelines.estimators.base import Family, FitRequest, Fitted
from medalist.pipelines.estimators.linear.models import FAMILY as LINEAR
from medalist.pipelines.estimators.predictions import constant_fit, require_finite
from medalist.pipelines.estimators.time_trace import TimeTrace
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.fitting.matrices import select_rows
from medalist.pipelines.problem import Problem

LINEAR_ALPHA = 3.0  # ridge penalty of the linear baseline
LINEAR_FOLDS = 5  # inner folds of the linear baseline


def fit_one(family: Family, request: FitRequest, fits_left: int = 1) -> Fitted:
    """Fit one target, within 1 / `fits_left` of the time until the request's deadline.

    A target with one value is predicted as a constant. Raises PipelineError where not all predictions are numbers.
    """
    now = awake()
    request = replace(request, deadline=now + (request.deadline - now) / fits_left)
    if request.trace is not None:
        request.trace.begin()
    if not np.ptp(request.y) > 0:
        return constant_fit(request)
    fitted = family.fit_predict(request)
    require_finite(family.title, fitted.valid, fitted.test)
    return fitted


def out_of_fold(family: Family, request: FitRequest, folds: int, *, rounds: int = 0, fits_left: int = 0) -> np.ndarray:
    """(n,) out-of-fold predictions of the training rows of a request for one target, by random inner folds.

    rounds: boosting rounds of each fit. fits_left: number of fits, these included, that share the time
    until the deadline; at least `folds`.
    """
    n = len(request.y)
    inner = np.random.default_rng(request.seed).permutation(n) % min(folds, n)
    predictions = np.empty(n)
    for k in range(int(inner.max()) + 1):
        held, others = np.flatnonzero(inner == k), np.flatnonzero(inner != k)
        inner_request = replace(
            request,
            train=select_rows(request.train, others),
            y=request.y[others],
            valid=select_rows(request.train, held),
            y_valid=None,
            test=select_rows(request.test, np.arange(0)),
            rounds=max(1, rounds),
            cache=None,
            weights=None if request.weights is None else request.weights[others],
            weights_valid=None,
        )
        predictions[held] = fit_one(family, inner_request, max(fits_left, folds) - k).valid
    return predictions


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
    trace: TimeTrace | None = None,
) -> np.ndarray:
    """(n, T) predictions of a ridge regression: out-of-fold for the training rows, by a fit on these for the validation
    and the test rows, 0 for all other rows.

    Parameters
    ----------
    matrices, rows: those of the training, the validation and the test rows; rows are positions among all n rows.
    y: (m, T) values of the training rows on the scale on which they are fitted.
    weights: (m,) weights of the training rows; None for equal ones.
    deadline: seconds of `awake()`; fits that begin later predict constants.
    trace: of the fold's fits.
    """
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
            trace=trace,
        )
        fitted = fit_one(LINEAR, request)
        base[rows[1], t], base[rows[2], t] = fitted.valid, fitted.test
        base[rows[0], t] = out_of_fold(LINEAR, request, LINEAR_FOLDS)
    return base
