"""Made-up fits that the tests of the estimator families share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.registry import FAMILIES, family, installed
from medalist.pipelines.features.matrix import Matrix
from medalist.pipelines.problem import Problem

PROBLEMS = {
    "regression": Problem("regression", 1, 0, "l2", False),
    "mae": Problem("regression", 1, 0, "l1", False),
    "mape": Problem("regression", 1, 0, "mape", False),
    "quantile": Problem("regression", 1, 0, "quantile:0.9", False),
    "poisson": Problem("regression", 1, 0, "poisson", False),
    "binary": Problem("binary", 1, 2, "logloss", False),
    "multiclass": Problem("multiclass", 1, 4, "logloss", False),
    "ordinal": Problem("ordinal", 1, 5, "l2", False),
}
SMALL = {"rounds": 20, "trees": 25, "epochs": 6, "members": 4, "width": 32}
SMALLER = {"perceptron": {"members": 1}}  # whose members are fitted one by one


def of_families(*, having: str | None = None) -> list:
    """Test parameters: every family, or those with a property; what is not installed is skipped and says so."""
    named = [name for name, fam in FAMILIES.items() if having is None or getattr(fam, having)]
    return [
        pytest.param(name, marks=() if name in installed() else pytest.mark.skip(f"{FAMILIES[name].module} is absent"))
        for name in named
    ]


def matrix(n: int, columns: int = 5, seed: int = 0, *, text: bool = False) -> Matrix:
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, columns)).astype(np.float32)
    categorical: tuple[int, ...] = ()
    if columns > 1:
        dense[:, -1] = rng.integers(0, 6 + seed, n)  # another seed brings unseen categories
        dense[rng.random(n) < 0.2, 0] = np.nan
        dense[rng.random(n) < 0.1, -1] = np.nan
        categorical = (columns - 1,)
    words = sparse.random(n, 30, 0.1, format="csr", dtype=np.float32, random_state=seed) if text else None
    return Matrix(dense, tuple(f"c{i}" for i in range(columns)), categorical, words)


def target(problem: Problem, m: Matrix, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    signal = np.nan_to_num(m.dense[:, min(1, m.dense.shape[1] - 1)]) if m.dense.shape[1] else np.zeros(len(m))
    signal = signal + 0.1 * rng.normal(size=len(m))
    if problem.objective == "poisson":
        return np.maximum(signal, 0) * 10
    if not problem.classification:
        return signal * 10
    return np.digitize(signal, [0.0] if problem.problem_type == "binary" else [-0.7, 0.0, 0.7]).astype(float)


def small(name: str, **changes) -> dict:
    """The family's first proven parameters, for a short fit."""
    first = family(name).portfolio[0]
    return {**first, **{k: v for k, v in SMALL.items() if k in first}, **SMALLER.get(name, {}), **changes}


def fit_request(
    name: str, problem: Problem, *, n: int = 240, columns: int = 5, watched: bool = True, **changes
) -> FitRequest:
    train, valid, test = matrix(n, columns), matrix(60, columns, 1), matrix(40, columns, 2)
    made = FitRequest(
        problem=problem,
        params=small(name),
        train=train,
        y=target(problem, train),
        valid=valid,
        y_valid=target(problem, valid) if watched else None,
        test=test,
        seed=3,
        threads=1,
    )
    return replace(made, **changes)
