"""Ridge and logistic regression on one-hot columns of all levels of categories, and of pairs and triples of columns.

Which pairs and triples is decided in each fit on its training rows: see `crossing.choose`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medalist.pipelines.estimators.base import Family, FitRequest, Fitted, Priors
from medalist.pipelines.estimators.linear.block_weights import MAX_TARGETS, balance
from medalist.pipelines.estimators.linear.crossing import MOST_CELLS, choose, one_hot
from medalist.pipelines.estimators.linear.design import Block, blocks_of, codes_of, joined
from medalist.pipelines.estimators.linear.models import fit_design, target_columns
from medalist.pipelines.estimators.predictions import constant_fit

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {"alpha": 1.0, "knots": 0, "weights": "equal", "crosses": 12, "order": 3},
    {"alpha": 0.3, "knots": 8, "weights": "blocks", "crosses": 12, "order": 3},
)
SCORED_ROWS = 30_000  # training rows on which crosses are scored, at most
RESIDUAL_ALPHA = 5.0  # penalty of the ridge regression that leaves the residual
RESIDUAL_FOLDS = 4  # folds out of which it predicts
VECTORS = 24  # vectors as long as the coefficients that the solver of logistic regression holds


def space(trial: Any) -> dict[str, Any]:
    """Parameters from an Optuna trial."""
    return {
        "alpha": trial.suggest_float("alpha", 5e-2, 30.0, log=True),
        "knots": trial.suggest_categorical("knots", [0, 8]),
        "weights": trial.suggest_categorical("weights", ["equal", "blocks"]),
        "crosses": trial.suggest_categorical("crosses", [6, 12, 24]),
        "order": trial.suggest_categorical("order", [2, 3]),
    }


def fit_predict(request: FitRequest) -> Fitted:
    """The linear family's models on numbers, text, single levels and crosses.

    Parameters beside those of the linear family: "crosses", the most crosses that are chosen, and "order", the most
    columns of one. A fit that begins after its deadline predicts the best constant.
    """
    if request.out_of_time:
        return constant_fit(request)
    codes = [codes_of(m) for m in (request.train, request.valid, request.test)]
    singles = [one_hot(codes, (column,)) for column in range(codes[0].shape[1])]
    blocks = [*blocks_of(request, int(request.params.get("knots", 0)), categories=False), *_present(singles)]
    target = target_columns(request)
    most, order = int(request.params.get("crosses", 12)), int(request.params.get("order", 3))
    if most and codes[0].shape[1] > 1 and len(target) >= 2 * RESIDUAL_FOLDS:
        rows, residual = _residual(request, blocks, target)
        blocks += _present([one_hot(codes, cross) for cross in choose(codes[0][rows], residual, most, order, 0)])
    if request.params.get("weights", "equal") == "blocks":
        blocks = balance(blocks, target, request.seed, classes=request.problem.classification)
    return fit_design(request, joined(blocks, request))


def _present(blocks: list[Block | None]) -> list[Block]:
    return [b for b in blocks if b is not None]


def _residual(request: FitRequest, blocks: list[Block], target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m,) positions of training rows, at most SCORED_ROWS, and (m, K) what ridge regression on the blocks leaves of
    their standardised targets out of fold; more than MAX_TARGETS are projected at random to as many."""
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(0)
    rows = np.arange(len(target))
    if len(rows) > SCORED_ROWS:
        rows = np.sort(rng.choice(len(rows), SCORED_ROWS, replace=False))
    goal = target[rows] - target[rows].mean(axis=0)
    goal = goal / np.where((spread := goal.std(axis=0)) > 0, spread, 1)
    if goal.shape[1] == 2 and request.problem.problem_type == "binary":
        goal = goal[:, :1]
    if goal.shape[1] > MAX_TARGETS:
        goal = goal @ rng.choice([-1.0, 1.0], size=(goal.shape[1], MAX_TARGETS))
    known = joined(blocks, request)[0][rows]
    fold = rng.permutation(len(rows)) % RESIDUAL_FOLDS
    residual = goal.copy()
    for k in range(RESIDUAL_FOLDS):
        held = fold == k
        model = Ridge(alpha=RESIDUAL_ALPHA, tol=1e-3, random_state=0).fit(known[~held], goal[~held])
        residual[held] -= model.predict(known[held]).reshape(-1, goal.shape[1])
    return rows, residual


def cost(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Relative seconds of one fit: scoring crosses, and solving for them and for the columns."""
    scored = min(rows, SCORED_ROWS) * (300 + 24 * params.get("crosses", 12)) * 1.5e-7 * min(outputs, MAX_TARGETS)
    width = columns + min(columns, 100) * params.get("knots", 0) + params.get("crosses", 12)
    return 0.3 + scored + 4e-7 * rows * (width + 10) * outputs**0.7


def memory(rows: int, columns: int, outputs: int, params: Mapping[str, Any]) -> float:
    """Bytes of one fit: the libraries, copies of the rows (12 bytes a value and cell), and the solver's vectors over at
    most as many cells as rows allow."""
    crosses = params.get("crosses", 12)
    cells = min(MOST_CELLS, rows / 2) * crosses + columns * 100
    return (200 << 20) + rows * (24.0 * columns + 48.0 * crosses + 64.0 * outputs) + 8.0 * VECTORS * cells * outputs


FAMILY = Family(
    name="crosses",
    title="Linear on crosses",
    feature_set="linear",
    portfolio=PORTFOLIO,
    space=space,
    fit_predict=fit_predict,
    cost=cost,
    memory=memory,
    priors=Priors(portfolio=0.4, tuning=0.02, text=2.0),
    order=45,
    module="sklearn",
    native_targets=True,
    uses_seed=False,
    least_categories=2,
)
