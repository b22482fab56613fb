"""Folds that are fitted column by column: targets that are measured on some rows only, and quantiles of one target."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.errors import PipelineError
from medalist.competitions.metrics.quantiles import at_levels
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions.cross_fitting import decide, fit_decision
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.ensembling.members import Members
from medalist.pipelines.ensembling.selection import select
from medalist.pipelines.estimators.registry import installed
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.by_column import fit_fold
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.fitting.pseudo_labels import PseudoLabels
from medalist.pipelines.fitting.stacking import StackedColumns
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

N, TRAIN = 300, 240
ROWS = np.arange(180), np.arange(180, TRAIN), np.arange(TRAIN, N)
TWO = Problem("regression", 2, 0, "l2", False)
ONE = Problem("regression", 1, 0, "l2", False)
BINARY = Problem("binary", 2, 2, "logloss", False)
FEATURES = ("number(a)", "number(b)", "target_mean(k)")
QUICK = {"rounds": 20, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A store, and two targets of which the second is measured on every third row."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 2)), columns=["a", "b"]).assign(k=rng.integers(0, 9, N))
    y = np.column_stack([frame["a"] + frame["k"], frame["b"] * frame["a"]])[:TRAIN] + rng.normal(size=(TRAIN, 2)) / 5
    y[np.arange(TRAIN) % 3 > 0, 1] = np.nan
    folder = tmp_path_factory.mktemp("by-column")
    return FeatureStore.create(folder, "by-column", frame.iloc[:TRAIN], frame.iloc[TRAIN:]), y


def test_each_target_is_fitted_as_if_its_rows_were_all_there_are(material):
    store, y = material
    pipeline = Pipeline.of(FEATURES, "lightgbm", QUICK)
    together = fit_fold(store, TWO, pipeline, y, *ROWS)
    assert together.valid.shape == (60, 2)
    assert len(together.rounds) == 2
    for t in range(2):
        has = ~np.isnan(y[:, t])
        fit, valid = (rows[has[rows]] for rows in ROWS[:2])
        alone = run_fold(store, ONE, pipeline, y[:, [t]], fit, valid, ROWS[2])
        assert together.test[:, [t]] == pytest.approx(alone.test)
        assert together.valid[has[ROWS[1]], t] == pytest.approx(alone.valid[:, 0])


def test_targets_with_the_same_gaps_are_fitted_together(material):
    store, y = material
    three = np.column_stack([y[:, 1], y[:, 0], y[:, 1] * 2 + 1])
    problem = replace(TWO, n_targets=3)
    has = ~np.isnan(y[:, 1])
    fit, valid = (rows[has[rows]] for rows in ROWS[:2])
    for params in ({"targets": "chained", "chain": "2,1,0", **QUICK}, {"targets": "independent", **QUICK}):
        together = fit_fold(store, problem, Pipeline.of(FEATURES, "lightgbm", params), three, *ROWS)
        params.pop("chain", None)
        pair = run_fold(store, TWO, Pipeline.of(FEATURES, "lightgbm", params), three[:, [0, 2]], fit, valid, ROWS[2])
        assert together.test[:, [0, 2]] == pytest.approx(pair.test)
        assert len(together.rounds) == 3


def test_targets_that_all_rows_have_are_fitted_as_ever(material):
    store, y = material
    pipeline = Pipeline.of(FEATURES, "lightgbm", QUICK)
    complete = np.nan_to_num(y)
    ways = [way(store, TWO, pipeline, complete, *ROWS) for way in (fit_fold, run_fold)]
    assert (ways[0].test == ways[1].test).all()
    assert (ways[0].valid == ways[1].valid).all()


def test_a_target_without_validation_rows_has_as_many_rounds_as_the_others(material):
    store, y = material
    y = y.copy()
    y[ROWS[1], 1] = np.nan
    result = fit_fold(store, TWO, Pipeline.of(FEATURES, "lightgbm", {"rounds": 400, "learning_rate": 0.1}), y, *ROWS)
    assert result.rounds[1] == result.rounds[0] < 400


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_target_of_few_rows_is_a_constant_within_its_range(material, count):
    store, y = material
    y = y.copy()
    y[:, 1] = np.nan
    y[:count, 1] = np.arange(count) + 5.0
    y[ROWS[1][:2], 1] = (4.0, 20.0)
    result = fit_fold(store, TWO, Pipeline.of(FEATURES, "linear", {}), y, *ROWS)
    assert np.ptp(result.test[:, 1]) == 0
    assert result.test[0, 1] == pytest.approx(np.arange(count).mean() + 5 if count else 12.0)
    assert np.ptp(result.test[:, 0]) > 0


@pytest.mark.parametrize("family", [f for f in installed() if f != "neural"])
@pytest.mark.parametrize("problem", [TWO, BINARY], ids=["values", "classes"])
def test_every_family_fits_a_target_of_a_dozen_rows(material, family, problem):
    store, y = material
    y = (y > 1).astype(float) if problem is BINARY else y.copy()
    y[12:, 1] = np.nan
    params = {"targets": "native", **(QUICK if family in ("lightgbm", "catboost", "xgboost") else {})}
    if family == "trees":
        params |= {"trees": 5}
    if family == "perceptron":
        params |= {"epochs": 1, "learning_rate": 0.01, "members": 1, "width": 4, "penalty": 1.0, "bins": 2}
    result = fit_fold(store, problem, Pipeline.of(FEATURES[:2], family, params), y, *ROWS)
    assert np.isfinite(result.test).all()
    assert np.isfinite(result.valid).all()


@pytest.mark.parametrize("target", ["ranks", "yeojohnson", "linear"])
def test_transformations_are_fitted_to_the_measured_rows(material, target):
    store, y = material
    result = fit_fold(store, TWO, Pipeline.of(FEATURES, "lightgbm", QUICK, target=target), y, *ROWS)
    assert np.isfinite(result.valid).all()


def test_stacked_columns_go_with_their_rows(material):
    store, y = material
    columns = np.nan_to_num(y[:, [1]], nan=7.0)
    stacked = StackedColumns(columns[ROWS[0]], columns[ROWS[1]], np.zeros((60, 1)))
    result = fit_fold(store, TWO, Pipeline.of((), "linear", {}, stacked=("0" * 16,)), y, *ROWS, stacked=stacked)
    has = ~np.isnan(y[ROWS[1], 1])
    assert np.corrcoef(result.valid[has, 1], y[ROWS[1], 1][has])[0, 1] > 0.95


def test_pseudo_labels_are_refused(material):
    store, y = material
    labels = PseudoLabels(np.zeros((60, 2)))
    with pytest.raises(PipelineError, match="measured on all rows"):
        fit_fold(store, TWO, Pipeline.of(FEATURES, "linear", {}), y, *ROWS, pseudo_labels=labels)


def gappy(problem, n=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(n, 2)) * (1, 20)
    good, bad = (truth + rng.normal(size=(n, 2)) * scale for scale in (0.3, 1.5))
    if problem is BINARY:
        truth, good, bad = (truth > 0).astype(float), 1 / (1 + np.exp(-good)), 1 / (1 + np.exp(-bad / 4))
    truth[rng.random(n) < 0.3, 0] = np.nan
    truth[rng.random(n) < 0.7, 1] = np.nan
    return truth, {0: bad, 1: good, 2: np.clip(rng.normal(size=(n, 2)), 0.01, 0.99)}


METRICS = [("mean_rmse", TWO), ("mean_mae", TWO), ("mean_r2", TWO), ("mean_auc", BINARY), ("mean_logloss", BINARY),
           ("mean_accuracy", BINARY)]  # fmt: skip


@pytest.mark.parametrize(("name", "problem"), METRICS, ids=[name for name, _ in METRICS])
def test_ensembles_and_decisions_are_made_on_the_measured_rows(name, problem):
    metric = get_metric(name, 2)
    y, predictions = gappy(problem)
    folds = np.arange(len(y)) % 5
    ensemble = select(metric, problem, y, predictions)
    assert ensemble.weights.get(1, 0) > 0.5
    blended = ensemble.blend(predictions)
    assert smooth_loss(metric, problem, y, blended) <= smooth_loss(metric, problem, y, predictions[0])
    decided, _ = decide(metric, problem, y, blended, folds)
    assert np.isfinite(metric.score(y, decided))
    noise = np.where(np.isnan(y), 99.0 if problem is TWO else 0.5, blended)  # what is predicted elsewhere is no matter
    assert smooth_loss(metric, problem, y, noise) == pytest.approx(smooth_loss(metric, problem, y, blended))


@pytest.mark.parametrize("name", ["mean_rmse", "mean_mae"])
def test_fast_losses_of_blends_are_those_of_the_metric(name):
    metric = get_metric(name, 2)
    y, predictions = gappy(TWO)
    members = Members(metric, TWO, y, list(predictions.values()), None, "mean")
    fast = members.blends_on(np.arange(len(y))).losses(np.array([[1.0, 3.0, 0.0]]))[0]
    blend = (predictions[0] + 3 * predictions[1]) / 4
    low, high = np.nanmin(y, axis=0), np.nanmax(y, axis=0)
    blend = (np.clip(predictions[0], low, high) + 3 * np.clip(predictions[1], low, high)) / 4
    assert fast == pytest.approx(metric.score(y, blend), rel=1e-5)


LEVELS = (0.1, 0.5, 0.9)
QUANTILES = replace(ONE, objective="quantile:0.5", levels=LEVELS)
SCORE = at_levels(get_metric("quantile_score"), LEVELS)


@pytest.mark.parametrize("family", ["lightgbm", "catboost", "xgboost", "linear", "trees", "neighbours"])
def test_each_quantile_is_fitted_by_its_pinball_loss_and_a_rows_quantiles_are_in_order(material, family):
    store, y = material
    params = QUICK | {"rounds": 60} if family in ("lightgbm", "catboost", "xgboost") else {}
    params = params | {"trees": 40} if family == "trees" else params
    pipeline = Pipeline.of(("number(a)", "number(k)"), family, params)
    result = fit_fold(store, QUANTILES, pipeline, y[:, [0]], *ROWS)
    assert result.valid.shape == result.test.shape == (60, 3)
    assert len(result.rounds) == 3
    assert (np.diff(result.test, axis=1) >= 0).all()
    alone = [
        run_fold(store, replace(ONE, objective=f"quantile:{q:g}"), pipeline, y[:, [0]], *ROWS).valid for q in LEVELS
    ]
    assert result.valid == pytest.approx(np.sort(np.hstack(alone), axis=1))
    constant = np.tile(SCORE.best_constant(y[ROWS[0], 0]), (60, 1))
    assert SCORE.score(y[ROWS[1], 0], result.valid) < SCORE.score(y[ROWS[1], 0], constant)


def normal_quantiles(n=600, seed=0):
    """Targets (n, 1), their true quantiles, too narrow ones and shifted ones (n, 3)."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(n, 1)) * 3
    ends = 1.2816 * np.array([-1.0, 0.0, 1.0])
    return centre + rng.normal(size=(n, 1)), centre + ends, centre + ends / 4, centre + ends + 1.5


@pytest.mark.parametrize("wrong", [2, 3], ids=["narrow", "shifted"])
def test_quantiles_with_the_wrong_share_of_rows_are_corrected_and_right_ones_stay(wrong):
    data = normal_quantiles()
    y, right, p = data[0], data[1], data[wrong]
    folds = np.arange(len(y)) % 5
    decided, decision = decide(SCORE, QUANTILES, y, p, folds)
    assert decision.kind == "quantile_lines"
    assert SCORE.score(y, decided) < SCORE.score(y, p)
    assert (y <= decision.apply(p)).mean(axis=0) == pytest.approx(LEVELS, abs=0.03)
    assert (np.diff(decision.apply(p), axis=1) >= 0).all()
    kept = SCORE.score(y, decide(SCORE, QUANTILES, y, right, folds)[0])
    assert kept <= SCORE.score(y, np.clip(right, y.min(), y.max())) + 1e-9
    _, decision = decide(SCORE, QUANTILES, y, p, folds, enabled=False)
    assert decision.kind == "values"
    assert fit_decision(SCORE, QUANTILES, y, p).kind == "quantile_lines"


def test_ensembles_of_quantiles_are_chosen_by_their_metric():
    y, right, narrow, shifted = normal_quantiles()
    predictions = {0: narrow, 1: right, 2: shifted}
    ensemble = select(SCORE, QUANTILES, y, predictions)
    assert ensemble.weights[1] > 0.5
    members = Members(SCORE, QUANTILES, y, list(predictions.values()), None, "mean")
    fast = members.blends_on(np.arange(len(y))).losses(np.eye(3))
    clipped = [SCORE.score(y, np.clip(p, y.min(), y.max())) for p in predictions.values()]
    assert fast / fast[1] == pytest.approx(np.array(clipped) / clipped[1], rel=1e-4)


def test_quantiles_have_no_pseudo_labels(material):
    store, y = material
    with pytest.raises(PipelineError, match="single values"):
        fit_fold(store, QUANTILES, Pipeline.of(FEATURES, "linear", {}), y[:, [0]], *ROWS,
                 pseudo_labels=PseudoLabels(np.zeros((60, 3))))  # fmt: skip


def test_linear_quantiles_near_0_and_1_have_their_share_of_the_rows(tmp_path):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=2500)})
    y = (frame["a"].to_numpy() + rng.exponential(3.0, 2500))[:2000, None]
    store = FeatureStore.create(tmp_path, "tails", frame.iloc[:2000], frame.iloc[2000:])
    problem = replace(QUANTILES, levels=(0.01, 0.99))
    result = fit_fold(store, problem, Pipeline.of(("number(a)",), "linear", {}), y, np.arange(1000),
                      np.arange(1000, 2000), np.arange(2000, 2500))  # fmt: skip
    assert (y[1000:] <= result.valid).mean(axis=0) == pytest.approx([0.01, 0.99], abs=0.012)
