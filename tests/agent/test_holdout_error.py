"""The standard error of a score on a holdout."""

from __future__ import annotations

import numpy as np
import pytest

from medalist.agent.holdout_error import holdout_error
from medalist.competitions.metrics.registry import get_metric


@pytest.mark.parametrize("rows", [400, 40_000])
def test_of_an_accuracy_it_is_that_of_a_share(rows: int) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (rows, 1)).astype(float)
    wrong = rng.random((rows, 1)) < 0.2
    error = holdout_error(get_metric("accuracy"), y, np.where(wrong, 1 - y, y))
    assert error == pytest.approx(np.sqrt(0.2 * 0.8 / rows), rel=0.45)


def test_it_covers_what_other_rows_would_score() -> None:
    rng = np.random.default_rng(1)
    metric = get_metric("auc")

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(0, 2, (300, 1)).astype(float)
        return y, y + rng.normal(size=(300, 1))

    others = [metric.score(*drawn()) for _ in range(200)]
    errors = [holdout_error(metric, *drawn()) or 0.0 for _ in range(10)]
    assert np.mean(errors) == pytest.approx(np.std(others), rel=0.25)


def test_the_same_rows_give_the_same_error() -> None:
    rng = np.random.default_rng(2)
    y, p, w = rng.normal(size=(50, 1)), rng.normal(size=(50, 1)), rng.random(50)
    metric = get_metric("wmae")
    assert holdout_error(metric, y, p, w) == holdout_error(metric, y, p, w)
    assert holdout_error(metric, y, p, w) != holdout_error(metric, y, p)


def test_where_it_cannot_be_told_there_is_none() -> None:
    one_class = np.ones((50, 1))
    assert holdout_error(get_metric("auc"), one_class, one_class) is None
    assert holdout_error(get_metric("rmse"), one_class[:5], one_class[:5]) is None
