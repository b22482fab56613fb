"""Folds of a pipeline, and what they say together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from estimator_requests import of_families

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import Family, Fitted
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.evaluation import combine
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.stacking import StackedColumns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)
ONE = Problem("binary", 1, 2, "logloss", False)
THREE = Problem("multiclass", 1, 3, "logloss", False)
BINARY = Problem("binary", 2, 2, "logloss", False)


@pytest.fixture
def store(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    return FeatureStore.create(tmp_path, "abc", frame.iloc[:100], frame.iloc[100:])


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "linear", "trees"])
def test_a_target_with_one_class_in_the_training_part_is_constant(store, name):
    y = np.zeros((100, 2))
    y[:, 0] = np.arange(100) % 2
    y[80:, 1] = 1  # unseen in the training part
    params = {"rounds": 5, "learning_rate": 0.1} if name in ("lightgbm", "catboost") else {}
    pipeline = Pipeline.of(("number(a)", "number(b)"), name, params)
    result = run_fold(store, BINARY, pipeline, y, np.arange(80), np.arange(80, 100), np.arange(100, 120))
    assert result.valid.shape == (20, 2)
    assert (result.valid[:, 1] == 0).all()
    assert np.ptp(result.test[:, 0]) > 0


def test_validation_targets_change_nothing_but_the_rounds(store):
    y = (np.arange(100) % 2).astype(float)[:, None]
    one = Problem("binary", 1, 2, "logloss", False)
    pipeline = Pipeline.of(("number(a)", "target_mean(b)"), "lightgbm", {"rounds": 5, "learning_rate": 0.1})
    changed = y.copy()
    changed[80:] = 1 - changed[80:]
    rows = (np.arange(80), np.arange(80, 100), np.arange(100, 120))
    first, again = (run_fold(store, one, pipeline, t, *rows, rounds=(5,)) for t in (y, changed))
    assert (first.valid == again.valid).all()
    assert (first.test == again.test).all()


def test_repeated_folds_are_averaged_by_row(store):
    y = np.arange(100, dtype=float)[:, None]
    regression = Problem("regression", 1, 0, "l2", False)
    pipeline = Pipeline.of(("number(a)",), "linear", {})
    halves = [(np.arange(50), np.arange(50, 100)), (np.arange(50, 100), np.arange(50))]
    results = [
        run_fold(store, regression, pipeline, y, fit, valid, np.arange(100, 120), fold=k)
        for k, (fit, valid) in enumerate([*halves, *halves])
    ]
    once = combine(results[:2], [np.arange(50, 100), np.arange(50)])
    twice = combine(results, [np.arange(50, 100), np.arange(50)] * 2)
    assert twice.oof == pytest.approx(once.oof)
    assert twice.test == pytest.approx(once.test)


ROWS = np.arange(80), np.arange(80, 100), np.arange(100, 120)
BOTH = ("number(a)", "number(b)")


@pytest.fixture
def seen(monkeypatch):
    """The requests that an estimator is given, in order; it predicts the weighted mean of what it is fitted on."""
    requests = []

    def fit_predict(request):
        requests.append(request)
        mean = np.average(request.y, weights=request.weights)
        wide = (request.problem.n_classes,) if request.problem.problem_type == "multiclass" else ()
        return Fitted(np.full((len(request.valid), *wide), mean), np.full((len(request.test), *wide), mean))

    recorder = Family("recorder", "Recorder", "trees", ({},), lambda _: {}, fit_predict, lambda *_: 0.0)
    monkeypatch.setitem(FAMILIES, "recorder", recorder)
    return requests


@pytest.mark.parametrize("params", [{}, {"targets": "native"}, {"targets": "chained"}], ids=str)
@pytest.mark.parametrize("part", ["valid", "test"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_no_number_fails_the_fold(store, monkeypatch, value, part, params):
    def fit_predict(request):
        fitted = Fitted(*(np.zeros((len(m), *request.y.shape[1:])) for m in (request.valid, request.test)))
        getattr(fitted, part)[-1:] = value
        return fitted

    broken = Family("broken", "Broken", "trees", ({},), lambda _: {}, fit_predict, lambda *_: 0.0, native_targets=True)
    monkeypatch.setitem(FAMILIES, "broken", broken)
    problem, y = replace(REGRESSION, n_targets=2), np.arange(200.0).reshape(100, 2)
    with pytest.raises(PipelineError, match=r"^The predictions of Broken are not all numbers\.$"):
        run_fold(store, problem, Pipeline.of(BOTH, "broken", params), y, *ROWS)


@pytest.mark.parametrize("name", of_families())
def test_every_family_is_checked(store, monkeypatch, name):
    broken = replace(FAMILIES[name], fit_predict=lambda r: Fitted(np.zeros(len(r.valid)), np.full(len(r.test), np.nan)))
    monkeypatch.setitem(FAMILIES, name, broken)
    with pytest.raises(PipelineError, match=f"^The predictions of {broken.title} are not all numbers"):
        run_fold(store, REGRESSION, Pipeline.of(BOTH, name, {}), np.arange(100.0)[:, None], *ROWS)


def test_predictions_that_are_infinite_on_the_scale_of_the_target_fail_the_fold(store, monkeypatch):
    large = Family("large", "Large", "trees", ({},), lambda _: {}, _large, lambda *_: 0.0)
    monkeypatch.setitem(FAMILIES, "large", large)
    problem, y = replace(REGRESSION, log=True, unit=1e300), np.arange(100.0)[:, None] * 1e300
    with np.errstate(over="ignore"), pytest.raises(PipelineError, match="The predictions of Large"):
        run_fold(store, problem, Pipeline.of(BOTH, "large", {}), y, *ROWS)


def _large(request):
    return Fitted(np.full(len(request.valid), 50.0), np.full(len(request.test), 50.0))


def test_weights_reach_the_estimator_one_on_average(store, seen):
    y = np.arange(100, dtype=float)[:, None]
    weights = np.arange(100, dtype=float) + 1
    result = run_fold(store, REGRESSION, Pipeline.of(BOTH, "recorder", {}), y, *ROWS, weights=weights)
    assert seen[0].weights == pytest.approx(weights[:80] / weights[:80].mean())
    assert result.valid[0, 0] == pytest.approx(np.average(y[:80, 0], weights=weights[:80]))
    run_fold(store, REGRESSION, Pipeline.of(BOTH, "recorder", {}), y, *ROWS)
    assert seen[1].weights is None


def test_weights_of_rows_and_of_their_level_are_multiplied(store, seen):
    y = np.where(np.arange(100) < 40, 10.0, 30.0)[:, None] + np.arange(100)[:, None] % 2
    weights = np.where(np.arange(100) % 3, 1.0, 2.0)
    frame = pd.DataFrame({"t": np.tile(np.arange(40), 3)[:120], "g": np.arange(120) // 40})
    by_time = FeatureStore.create(store.folder / "time", "time", frame.iloc[:100], frame.iloc[100:])
    pipeline = Pipeline.of(("number(t)",), "recorder", {}, target="level(t, 40) by g")
    run_fold(by_time, REGRESSION, pipeline, y, *ROWS, weights=weights)
    low, high = seen[0].weights[[1, 41], 0] if seen[0].weights.ndim == 2 else seen[0].weights[[1, 41]]
    assert high / low == pytest.approx((30.5 / 10.5) ** 2, rel=0.05)  # by the square of the level
    assert seen[0].weights[0] / seen[0].weights[1] == pytest.approx(2)


def test_predictions_of_other_pipelines_are_used_as_columns(store):
    rng = np.random.default_rng(1)
    y = rng.normal(size=(100, 1))
    columns = np.vstack([y, rng.normal(size=(20, 1))])
    pipeline = Pipeline.of(BOTH, "linear", {"alpha": 1e-3})
    stacked = StackedColumns(columns[:80], columns[80:100], columns[100:])
    with_them = run_fold(store, REGRESSION, pipeline, y, *ROWS, stacked=stacked)
    assert with_them.valid == pytest.approx(y[80:], abs=0.01)
    assert with_them.test == pytest.approx(columns[100:].clip(y[:80].min(), y[:80].max()), abs=0.5)
    without = run_fold(store, REGRESSION, pipeline, y, *ROWS)
    assert np.abs(without.valid - y[80:]).mean() > 0.3
    alone = run_fold(store, REGRESSION, pipeline.changed(features=()), y, *ROWS, stacked=stacked)
    assert alone.valid == pytest.approx(y[80:], abs=0.01)


def test_stacked_columns_have_names(store, seen):
    stacked = StackedColumns(np.zeros((80, 2)), np.zeros((20, 2)), np.zeros((20, 2)))
    run_fold(store, REGRESSION, Pipeline.of(BOTH, "recorder", {}), np.arange(100.0)[:, None], *ROWS, stacked=stacked)
    assert seen[0].train.names == (*BOTH, "stacked[0]", "stacked[1]")
    assert seen[0].train.token == ""  # what is kept under a token must not be taken for these columns


@pytest.mark.parametrize(
    ("problem", "predicted", "codes", "certainty"),
    [
        (ONE, [[0.5], [1.0], [0.1]], [1, 1, 0], [0.0, 1.0, 0.8]),
        (THREE, [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7]], [0, 0, 2], [1.0, 0.0, 0.55]),
        (REGRESSION, [[3.0], [4.0], [5.0]], [3, 4, 5], [1.0, 1.0, 1.0]),
    ],
    ids=["binary", "multiclass", "values"],
)
def test_pseudo_labelled_rows_count_by_their_certainty(store, seen, problem, predicted, codes, certainty):
    y = (np.arange(100.0) % 2)[:, None]
    p = np.tile(np.array(predicted, dtype=float), (7, 1))[:20]
    weights = np.where(np.arange(100) < 50, 1.0, 3.0)
    labels = PseudoLabels(p, weight=0.5)
    run_fold(store, problem, Pipeline.of(BOTH, "recorder", {}), y, *ROWS, weights=weights, pseudo_labels=labels)
    request = seen[0]
    assert len(request.train) == len(request.y) == len(request.weights) == 100
    assert (request.train.dense[80:] == request.test.dense).all()
    assert request.y[80:83] == pytest.approx(codes)
    assert request.weights[80:83] / request.weights[0] == pytest.approx(0.5 * weights[:80].mean() * np.array(certainty))


def test_pseudo_labels_are_fitted_on_the_scale_of_the_target(store, seen):
    y = np.arange(100.0)[:, None] + 1
    log = Problem("regression", 1, 0, "l2", True)
    p = np.full((20, 1), 40.0)
    labels = PseudoLabels(p)
    run_fold(store, log, Pipeline.of(BOTH, "recorder", {}), y, *ROWS, pseudo_labels=labels)
    assert seen[0].y[80:] == pytest.approx(np.log1p(40.0))
    run_fold(store, REGRESSION, Pipeline.of(BOTH, "recorder", {}, target="sqrt"), y, *ROWS, pseudo_labels=labels)
    assert seen[1].y[80:] == pytest.approx(np.sqrt(40.0))
    assert len(seen[2].y) + len(seen[3].y) == 100  # the halves, for the residuals


@pytest.mark.parametrize("params", [{}, {"targets": "chained"}], ids=["independent", "chained"])
def test_validation_targets_reach_nothing_with_columns_labels_and_weights(store, params):
    rng = np.random.default_rng(2)
    y = (rng.random((100, 2)) < 0.5).astype(float)
    changed = y.copy()
    changed[80:] = 1 - y[80:]
    pipeline = Pipeline.of(("number(a)", "target_mean(b)"), "lightgbm", {"rounds": 5, "learning_rate": 0.1} | params)
    stacked = StackedColumns(*(rng.normal(size=(n, 2)) for n in (80, 20, 20)))
    weights = rng.random(100)
    labels = PseudoLabels(rng.random((20, 2)))
    more = {"weights": weights, "stacked": stacked, "pseudo_labels": labels, "rounds": (5, 5)}
    first, again = (run_fold(store, BINARY, pipeline, t, *ROWS, **more) for t in (y, changed))
    assert (first.valid == again.valid).all()
    assert (first.test == again.test).all()
