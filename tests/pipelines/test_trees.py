"""Averaged trees: grown in parts, aggregated as means, class probabilities or quantiles."""

import time
from dataclasses import replace

import numpy as np
import pytest
from estimator_requests import PROBLEMS, fit_request, matrix

from medalist.pipelines.estimators import trees
from medalist.pipelines.problem import Problem

ONE = {**trees.PORTFOLIO[0], "trees": 40}


def test_trees_that_do_not_fit_into_memory_together_are_grown_in_parts(monkeypatch):
    made = fit_request("trees", PROBLEMS["multiclass"], params=ONE)
    whole = trees.fit_predict(made)
    seven_trees = 2 * len(made.y) * (trees.NUMBERS_PER_NODE + 4) * 7 + 7
    monkeypatch.setattr(trees, "MAX_NODE_NUMBERS", seven_trees)
    assert trees.planned_trees(len(made.y), 4, ONE) == (40, 7)
    grown = list(trees.Forest(made, ONE, "logloss").grow(np.nan_to_num(made.train.dense), made.y.astype(int)))
    assert [count for _, count in grown] == [7, 7, 7, 7, 7, 5]
    assert len({model.estimators_[0].tree_.threshold[0] for model, _ in grown}) > 3  # no two parts are the same trees
    parts = trees.fit_predict(made)
    assert parts.valid.sum(axis=1) == pytest.approx(1)
    assert np.abs(parts.valid - whole.valid).mean() < 0.1
    assert sum(parts.importance.values()) == pytest.approx(1, abs=1e-3)


def test_many_rows_get_fewer_trees_but_not_a_handful():
    assert trees.planned_trees(1000, 1, ONE) == (40, 6944)
    wanted, part = trees.planned_trees(400_000, 7, trees.PORTFOLIO[0])
    assert wanted == trees.MIN_TREES
    assert part < 15


def test_no_class_is_impossible_because_few_trees_say_so():
    made = fit_request("trees", PROBLEMS["multiclass"], params={**ONE, "trees": 3})
    shares = np.bincount(made.y.astype(int)) / len(made.y)
    predicted = trees.fit_predict(made).test
    assert (predicted >= shares / 4 - 1e-9).all()
    assert predicted.max() > 0.8


def test_skewed_values_are_predicted_by_their_median_where_absolute_errors_count():
    rng = np.random.default_rng(0)
    train, test = matrix(1500), matrix(800, seed=1)
    centre = [np.nan_to_num(m.dense[:, 1]) for m in (train, test)]
    y, truth = (np.exp(c + rng.normal(0, 1.2, len(c))) for c in centre)
    made = replace(fit_request("trees", PROBLEMS["mae"]), train=train, y=y, test=test, y_valid=None)
    error = {
        median: np.abs(trees.fit_predict(replace(made, params={**ONE, "median": median})).test - truth).mean()
        for median in (False, True)
    }
    assert error[True] < 0.95 * error[False]


@pytest.mark.parametrize("targets", [1, 2])
def test_a_quantile_is_above_its_share_of_the_values(targets):
    train, test = matrix(3000, columns=1), matrix(2000, columns=1, seed=1)
    rng = np.random.default_rng(0)
    y, truth = (rng.exponential(np.exp(m.dense[:, :1]), (len(m), targets)) for m in (train, test))
    problem = Problem("regression", targets, 0, "quantile:0.9", False)
    params = {**ONE, "trees": 150, "min_samples_leaf": 20, **({"targets": "native"} if targets > 1 else {})}
    made = replace(
        fit_request("trees", problem), train=train, y=y if targets > 1 else y[:, 0], test=test, params=params
    )
    predicted = trees.fit_predict(replace(made, y_valid=None)).test
    assert predicted.shape == ((2000, 2) if targets > 1 else (2000,))
    assert np.mean(truth <= predicted.reshape(2000, -1)) == pytest.approx(0.9, abs=0.03)


def test_percentage_errors_are_fitted_where_small_values_count_most():
    rng = np.random.default_rng(2)
    train = matrix(800)
    y = np.exp(rng.normal(0, 1.5, 800))
    made = replace(fit_request("trees", PROBLEMS["mape"]), train=train, y=y, y_valid=None, params=ONE)
    low, middle = (trees.fit_predict(replace(made, problem=PROBLEMS[name])).test.mean() for name in ("mape", "mae"))
    assert low < 0.6 * middle


def test_a_fit_of_slow_trees_ends_with_its_time():
    made = fit_request("trees", PROBLEMS["regression"], n=20_000, columns=20, params={**ONE, "trees": 2000})
    began = time.monotonic()
    each = []
    for model, count in trees.Forest(replace(made, deadline=began + 1.0), ONE | {"trees": 2000}, "l2").grow(
        np.nan_to_num(made.train.dense), made.y
    ):
        each.append((count, len(model.estimators_)))
    assert all(count == trees_there for count, trees_there in each)
    assert 0 < sum(count for count, _ in each) < 2000


def test_no_two_parts_are_in_memory_at_once(monkeypatch):
    import weakref

    made = fit_request("trees", PROBLEMS["regression"], params={**ONE, "trees": 12})
    monkeypatch.setattr(trees, "MAX_NODE_NUMBERS", 2 * len(made.y) * (trees.NUMBERS_PER_NODE + 1) * 4 + 4)
    living: weakref.WeakSet = weakref.WeakSet()
    most, real = [], trees.Forest.new_model

    def counted(self, part):
        most.append(len(living))
        model = real(self, part)
        living.add(model)
        return model

    monkeypatch.setattr(trees.Forest, "new_model", counted)
    trees.fit_predict(made)
    assert most == [0, 0, 0]


@pytest.mark.parametrize("kind", ["extra", "forest"])
@pytest.mark.parametrize("problem", ["regression", "poisson", "quantile", "binary", "multiclass"])
def test_that_a_value_is_missing_may_say_something(kind, problem):
    train, test = matrix(1200), matrix(600, seed=1)  # a fifth of the first column is missing
    gaps = [np.isnan(m.dense[:, 0]) for m in (train, test)]
    for m in (train, test):
        m.dense[:, 0] = np.where(np.isnan(m.dense[:, 0]), np.nan, np.round(m.dense[:, 0]))
    y, truth = (g.astype(float) * (1 if PROBLEMS[problem].classification else 5) for g in gaps)
    made = replace(fit_request("trees", PROBLEMS[problem]), train=train, y=y, test=test, y_valid=None)
    params = {**ONE, "kind": kind, "max_features": 1.0, **({"loss": "poisson"} if problem == "poisson" else {})}

    def error(missing):
        predicted = trees.fit_predict(replace(made, params={**params, "missing": missing})).test
        if problem == "multiclass":
            predicted = predicted[:, 1]
        return np.abs(predicted - truth).mean()

    assert error("split") < 0.5 * error("impute")


def test_values_may_be_missing_where_none_was_in_training():
    made = fit_request("trees", PROBLEMS["regression"], params=ONE)
    made.train.dense[:] = np.nan_to_num(made.train.dense)
    predicted = trees.fit_predict(made).test
    assert np.isfinite(predicted).all()
    assert np.corrcoef(predicted, np.nan_to_num(made.test.dense[:, 1]))[0, 1] > 0.9
