"""Class views of few-valued targets: encoded by classes, decoded to the best answer, fitted on the training part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.targets.class_view import LEAST_ROWS, MOST_CLASSES, VIEWS, class_views, fit_view
from medalist.pipelines.targets.transform import canonical, fit_target, implied_scale

FAST = {"learning_rate": 0.1, "rounds": 40, "num_leaves": 15}


def problem_of(objective="l2", *, kind="regression", log=False, targets=1, classes=0):
    return Problem(kind, targets, classes, objective, log)


def view_of(name, problem, values):
    return fit_view(name, problem, implied_scale(problem), np.asarray(values, dtype=float)[:, None])


def certain(view, y):
    """Probabilities of the view, all on the class of each value."""
    codes = view.encode(np.asarray(y, dtype=float)[:, None])
    return codes if view.cumulative else np.eye(len(view.values))[codes[:, 0].astype(int)]


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("objective", ["l2", "l1", "mape", "quantile:0.9"])
@pytest.mark.parametrize("log", [False, True])
def test_a_certain_class_is_decoded_to_its_value(name, objective, log):
    y = np.repeat([0.0, 1.0, 2.0, 5.0, 9.0], LEAST_ROWS)
    view = view_of(name, problem_of(objective, log=log), y)
    decoded = view.decode(certain(view, y))  # a quantile up to half a class off: the nearest value is the answer
    assert y == pytest.approx(np.unique(y)[np.abs(decoded - np.unique(y)).argmin(axis=1)])
    if objective == "l2":
        assert decoded[:, 0] == pytest.approx(y)
    assert decoded.min() >= 0
    assert decoded.max() <= 9 + 1e-9


@given(
    chances=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    objective=st.sampled_from(["l2", "l1", "mape"]),
    log=st.booleans(),
    name=st.sampled_from(VIEWS),
)
@settings(deadline=None)
def test_what_is_decoded_has_the_least_expected_loss(chances, objective, log, name):
    values = np.array([1.0, 2.0, 4.0, 7.0])
    p = np.array(chances) / np.sum(chances)
    view = view_of(name, problem_of(objective, log=log), np.repeat(values, LEAST_ROWS))
    given_p = p[None] if not view.cumulative else 1 - np.cumsum(p)[None, :-1]
    answer = float(view.decode(given_p)[0, 0])
    if objective == "l2":
        scale = np.log1p if log else lambda v: v
        grid = np.linspace(1, 7, 601)
        loss = ((scale(grid)[:, None] - scale(values)) ** 2) @ p
        assert answer == pytest.approx(grid[loss.argmin()], abs=0.011)
        return
    nearest = values[np.abs(values - answer).argmin()]
    weights = 1 / values if objective == "mape" else np.ones(4)
    losses = {v: float((np.abs(v - values) * weights) @ p) for v in values}
    assert losses[nearest] <= min(losses.values()) + 1e-9


def test_rare_values_share_a_class_and_there_are_not_too_many():
    rng = np.random.default_rng(0)
    counts = rng.negative_binomial(1, 0.05, 3000).astype(float)
    view = view_of("classes", problem_of(), counts)
    codes = view.encode(counts[:, None])[:, 0].astype(int)
    sizes = np.bincount(codes, minlength=len(view.values))
    assert 10 < len(view.values) <= MOST_CLASSES
    assert sizes.min() >= LEAST_ROWS
    assert [counts[codes == k].mean() for k in range(len(sizes))] == pytest.approx(view.values)


def test_chances_above_the_limits_that_cross_are_put_in_order():
    view = view_of("cumulative", problem_of("l1"), np.repeat(np.arange(4.0), LEAST_ROWS))
    decoded = view.decode(np.array([[0.9, 0.2, 0.4], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))[:, 0]
    assert decoded[1:].tolist() == [3.0, 0.0]
    assert round(decoded[0]) == 1


@pytest.mark.parametrize(
    ("problem", "y", "suits"),
    [
        (problem_of(kind="ordinal", classes=5), np.arange(500) % 5, True),
        (problem_of("l1"), np.arange(2000) % 30, True),
        (problem_of(), np.arange(500) % 2, False),  # two values: a regression on them is a class view
        (problem_of(), np.arange(500) % 100, False),  # few rows of each
        (problem_of("logloss", kind="multiclass", classes=5), np.arange(500) % 5, False),
        (problem_of(), np.where(np.arange(500) % 7, np.arange(500) % 5, np.nan), False),
    ],
)
def test_views_are_for_targets_with_few_values(problem, y, suits):
    assert [name for name, _ in class_views(problem, np.asarray(y, dtype=float)[:, None])] == (
        list(VIEWS) if suits else []
    )


@pytest.fixture(scope="module")
def grades(tmp_path_factory):
    """Counts that are none or many: their median jumps where a column passes a limit."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 900)
    y = np.where(rng.random(900) < 1 / (1 + np.exp(-6 * x)), rng.integers(4, 7, 900), 0).astype(float)
    frame = pd.DataFrame({"x": x, "noise": rng.normal(size=900)})
    store = FeatureStore.create(tmp_path_factory.mktemp("grades"), "grades", frame.iloc[:700], frame.iloc[700:])
    return store, y[:, None]


@pytest.mark.parametrize("family", ["lightgbm", "trees", "linear"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_fold_is_fitted_on_classes_without_the_targets_that_it_predicts(grades, view, family):
    store, y = grades
    params = {"lightgbm": FAST, "trees": {"kind": "extra", "trees": 10, "min_samples_leaf": 5, "max_features": 0.6},
              "linear": {"alpha": 1.0}}[family]  # fmt: skip
    pipeline = Pipeline.of(("number(x)", "number(noise)"), family, params, target=view)
    fit, valid, test = np.arange(500), np.arange(500, 700), np.arange(700, 900)

    def fitted(targets):
        return run_fold(store, problem_of("l1"), pipeline, targets[:700], fit, valid, test, rounds=(30,))

    made = fitted(y)
    assert made.valid.shape == made.test.shape == (200, 1)
    assert len(made.rounds) == 1
    best_constant = np.abs(y[valid] - np.median(y[fit])).mean()
    assert np.abs(np.rint(made.valid) - y[valid]).mean() < 0.75 * best_constant
    other = y.copy()
    other[valid] = 6 - other[valid]
    assert np.array_equal(fitted(other).valid, made.valid)


def test_a_view_is_named_and_refused_for_several_targets(grades):
    store, y = grades
    assert canonical("classes") == "classes"
    rows = np.arange(100)
    with pytest.raises(PipelineError, match="single target"):
        fit_target("classes", problem_of(targets=2), store.frame, rows, np.repeat(y[rows], 2, axis=1), rows)
    with pytest.raises(PipelineError, match="takes nothing"):
        canonical("classes(x)")
