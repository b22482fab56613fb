"""Recipes of rows: what each step does to the training part of a fold, and that it sees nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.fitting.training_part import AdditionalRows, training_part
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem
from medalist.pipelines.row_recipe import in_words
from medalist.pipelines.rows.density import density_ratios

N, TEST = 240, 60
REGRESSION = Problem("regression", 1, 0, "l2", log=False)
BINARY = Problem("binary", 1, 2, "logloss", log=False)
FEATURES = ("number(x)", "number(g)")
FIT = np.arange(0, N, 2)
VALID = np.arange(1, N, 2)
LINEAR = {"alpha": 1.0}


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.date_range("2020-01-01", periods=rows).astype(str)
    return pd.DataFrame({"x": rng.normal(size=rows), "g": rng.integers(0, 4, rows), "day": days})


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    train, test = table(N), table(TEST, 1)
    train.loc[6:7] = train.loc[[4, 5]].to_numpy()  # 4 and 6 are equal, and so are 5 and 7
    return FeatureStore.create(tmp_path / "store", "f", train.astype({"x": float, "g": int}), test)


@pytest.fixture
def y() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(N, 1))


def pipeline(*rows: tuple[str, str, float], features: tuple[str, ...] = FEATURES) -> Pipeline:
    return Pipeline.of(features, "linear", LINEAR, rows=rows)


def part(store, y, *rows, problem=REGRESSION, features=FEATURES, **options):
    return training_part(
        store, problem, pipeline(*rows, features=features), y, FIT, options.get("weights"), options.get("additional")
    )


def test_a_pipeline_without_a_recipe_is_what_it_was_and_one_with_a_recipe_is_another():
    plain, weighed = pipeline(), pipeline(("recency", "day", 0.25))
    assert "rows" not in plain.as_dict()
    assert plain.hash != weighed.hash
    assert Pipeline.from_dict(weighed.as_dict()) == weighed
    assert pipeline(("trim", "", 0.1), ("recency", "day", 1)) == pipeline(("recency", "day", 1), ("trim", "", 0.1))
    assert "25%" in in_words(weighed.rows)[0]


def test_an_unknown_step_is_refused():
    with pytest.raises(PipelineError, match="Unknown step"):
        pipeline(("youngest", "", 1))


def test_weights_halve_with_age(store, y):
    weights = part(store, y, ("recency", "day", 0.5)).weights
    assert weights[-1] == pytest.approx(1.0)
    assert weights[0] == pytest.approx(0.25)
    assert (np.diff(weights) > 0).mean() > 0.97  # rows 4 and 6 are of one day


def test_the_earliest_rows_and_a_stretch_are_left_out(store, y):
    assert part(store, y, ("earliest", "day", 0.5)).fit.min() >= N // 2 - 2
    left = part(store, y, ("stretch", "day", 0.25)).fit / N
    assert not ((left > 0.26) & (left < 0.37)).any()
    assert len(left) == pytest.approx(len(FIT) * 7 / 8, abs=2)


def test_a_recipe_that_would_leave_nothing_is_not_applied(store, y):
    assert len(part(store, y, ("trim", "", 0.499)).fit) == len(FIT)


def test_equal_rows_are_merged_or_left_out_by_the_targets_of_the_training_part(store, y):
    merged = part(store, y, ("merge", "", 0), features=("number(x)",))
    assert 4 in merged.fit
    assert 6 not in merged.fit
    assert merged.y[4, 0] == pytest.approx((y[4, 0] + y[6, 0]) / 2)
    assert merged.weights[list(merged.fit).index(4)] == 2
    assert y[4, 0] != merged.y[4, 0]  # the given targets stay as they are
    assert {4, 6}.isdisjoint(part(store, y, ("agreeing", "", 0), features=("number(x)",)).fit)
    y[6] = y[4]
    assert len(part(store, y, ("agreeing", "", 0), features=("number(x)",)).fit) == len(FIT)
    assert len(part(store, y, ("distinct", "", 0), features=("number(x)",)).fit) == len(FIT) - 1


def test_outliers_are_moved_or_left_out_by_quantiles_of_the_training_part(store, y):
    y[0], y[1] = 50.0, 99.0  # the second is a validation row
    moved = part(store, y, ("winsorise", "", 0.02))
    assert moved.y[0, 0] < 5.0
    assert moved.y[1, 0] == 99.0
    assert 0 not in part(store, y, ("trim", "", 0.02)).fit
    with pytest.raises(PipelineError, match="numbers"):
        part(store, (y > 0).astype(float), ("trim", "", 0.02), problem=BINARY)


@pytest.mark.parametrize(
    "steps",
    [("recency", "day", 0.25), ("merge", "", 0), ("agreeing", "", 0), ("trim", "", 0.05), ("test", "", 1.0),
     ("winsorise", "", 0.05)],
)  # fmt: skip
def test_targets_that_are_held_out_change_nothing(store, y, steps):
    def predicted(targets: np.ndarray) -> np.ndarray:
        fit = run_fold(store, REGRESSION, pipeline(steps), targets, FIT, VALID, np.arange(N, N + TEST), rounds=[10])
        return np.vstack([fit.valid, fit.test])

    other = y.copy()
    other[VALID] = other[VALID][::-1] + 3.0
    assert (predicted(y) == predicted(other)).all()


def test_class_weights_change_the_fit_and_leave_probabilities_calibrated(store):
    x = store.column("x").to_numpy()[:N]
    y = (x + np.random.default_rng(3).normal(size=N) > 1.8).astype(float)[:, None]
    every = np.arange(N)

    def fit(*rows):
        return run_fold(store, BINARY, pipeline(*rows), y, every, every[:0], every, rounds=[10]).test

    weighed = part(store, y, ("balance", "", 1.0), problem=BINARY)
    positive = y[FIT, 0] > 0
    assert weighed.weights[positive].sum() == pytest.approx(weighed.weights[~positive].sum())
    plain, balanced = fit(), fit(("balance", "", 1.0))
    assert balanced.mean() == pytest.approx(y.mean(), rel=0.25)
    assert np.abs(balanced - plain).max() > 1e-4


def test_weights_towards_test_are_larger_where_test_is_denser():
    rng = np.random.default_rng(4)
    train, test = rng.normal(0, 1, (1500, 1)), rng.normal(1.5, 0.7, (1500, 1))
    weights, score = density_ratios(train, test)
    assert score > 0.8
    assert weights.mean() == pytest.approx(1.0)
    assert weights[train[:, 0] > 1].mean() > 5 * weights[train[:, 0] < 0].mean()
    alike, chance = density_ratios(train, rng.normal(0, 1, (1500, 1)))
    assert chance < 0.55
    assert alike.std() < 0.5


@pytest.fixture
def additional(tmp_path, store) -> AdditionalRows:
    more = table(80, 5)
    train = pd.DataFrame({c: store.column(c)[:N] for c in ("x", "g", "day")})
    both = pd.concat([table(TEST, 1), more], ignore_index=True)
    return AdditionalRows(FeatureStore.create(tmp_path / "more", "g", train, both), np.full((80, 1), 5.0))


def test_additional_rows_are_fitted_by_their_weight_and_never_predicted(store, y, additional):
    made = part(store, y, ("additional", "flag", 0.5), additional=additional)
    assert len(made.fit) == len(FIT) + 80
    assert made.weights[-1] == 0.5
    test = np.arange(N, N + TEST)

    def fit(*rows):
        return run_fold(store, REGRESSION, pipeline(*rows), y, FIT, VALID, test, rounds=[10], additional=additional)

    plain, little, much = fit(), fit(("additional", "", 0.01)), fit(("additional", "", 10.0))
    assert plain.valid.shape == much.valid.shape == (len(VALID), 1)
    assert plain.test.mean() < little.test.mean() < much.test.mean()
    assert much.test.mean() == pytest.approx(5.0, abs=1.0)
    flagged = fit(("additional", "flag", 10.0))
    assert abs(flagged.test.mean() - plain.test.mean()) < 1.0  # the column takes up that they are others


def test_additional_rows_that_are_not_there_are_asked_for_in_vain(store, y):
    with pytest.raises(PipelineError, match="has none"):
        part(store, y, ("additional", "", 1.0))
