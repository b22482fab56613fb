"""Several targets: independent, chained and by one model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators.base import Family, Fitted
from medalist.pipelines.estimators.registry import FAMILIES
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.fitting.several_targets import strategy_of
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

N, FIT = 600, 400
ROWS = np.arange(FIT), np.arange(FIT, 500), np.arange(500, N)
VALUES = Problem("regression", 3, 0, "l2", False)
BINARY = Problem("binary", 2, 2, "logloss", False)
FEATURES = ("number(a)", "number(b)", "number(c)")
TREES = {"rounds": 60, "learning_rate": 0.1, "num_leaves": 15}


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A surface in much noise, the surface itself, and noise alone."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 3)), columns=list("abc"))
    surface = (frame["a"] * frame["b"] + np.sin(3 * frame["c"])).to_numpy()
    y = np.column_stack([surface + 2 * rng.normal(size=N), 3 * surface + 1, rng.normal(size=N)])
    return FeatureStore.create(tmp_path_factory.mktemp("several"), "several", frame.iloc[:500], frame.iloc[500:]), y


@pytest.fixture
def seen(monkeypatch):
    """The requests that an estimator which can fit all targets at once is given."""
    requests = []

    def fit_predict(request):
        requests.append(request)
        mean = request.y.mean(axis=0)
        valid, test = (np.full((len(m), *mean.shape), mean) for m in (request.valid, request.test))
        return Fitted(valid, test, rounds=7, rounds_run=9)

    family = Family("all", "All", "trees", ({},), lambda _: {}, fit_predict, lambda *_: 0.0, native_targets=True)
    monkeypatch.setitem(FAMILIES, "all", family)
    return requests


def run(material, params, family="lightgbm", problem=VALUES, y=None, **more):
    store, targets = material
    return run_fold(store, problem, Pipeline.of(FEATURES, family, params), targets if y is None else y, *ROWS, **more)


def test_a_chain_shows_later_targets_predictions_of_earlier_ones(material):
    surface = (material[1][FIT:500, [1]] - 1) / 3
    alone = run(material, TREES)
    chain = run(material, TREES | {"targets": "chained", "chain": "1,0,2"})
    assert chain.valid.shape == chain.test.shape == (100, 3)
    assert len(chain.rounds) == 3
    assert chain.valid[:, 1] == pytest.approx(alone.valid[:, 1])  # the first of the chain has nothing before it
    errors = [np.abs(result.valid[:, [0]] - surface).mean() for result in (chain, alone)]
    assert errors[0] < 0.9 * errors[1]
    assert (run(material, TREES | {"targets": "independent"}).valid == alone.valid).all()


def test_a_chain_has_out_of_fold_predictions_of_its_training_rows(material, seen):
    run(material, {"targets": "chained", "chain": "2,0,1"}, family="all")
    last = max(seen, key=lambda r: len(r.train.names))
    assert last.train.names == (*FEATURES, "chained[2][0]", "chained[0][0]")
    assert len(seen) == 9  # one of each target, and three inner folds of all but the last
    y = material[1][:FIT, 2]
    column = last.train.dense[:, 3]
    assert np.isin(last.valid.dense[:, 3], np.float32(y.mean())).all()
    assert len(np.unique(column)) == 3  # of each third, what the mean of the other two is
    for value in np.unique(column):
        held = column == value
        assert value == pytest.approx(y[~held].mean(), rel=1e-5)
    assert all(name not in r.params for r in seen for name in ("targets", "chain"))


@pytest.mark.parametrize("order", ["1,0,2", "2,1,0"])
def test_a_chain_of_classes_has_log_odds_as_columns(material, order):
    store, y = material
    codes = (y > 0).astype(float)[:, [0, 1]]
    params = TREES | {"targets": "chained", "chain": ",".join(t for t in order.split(",") if t != "2")}
    result = run_fold(store, BINARY, Pipeline.of(FEATURES, "lightgbm", params), codes, *ROWS)
    assert ((result.valid > 0) & (result.valid < 1)).all()
    assert any(name.startswith("chained") for name in result.importance)


def test_targets_of_one_model_are_fitted_once(material, seen):
    result = run(material, {"targets": "native"}, family="all", weights=np.arange(500.0) + 1)
    assert len(seen) == 1
    assert seen[0].y.shape == (FIT, 3)
    assert seen[0].y_valid.shape == (100, 3)
    assert seen[0].params == {"targets": "native"}
    assert seen[0].weights.shape == (FIT,)
    assert result.rounds == (7, 7, 7)
    assert result.rounds_run == 27  # as many for each target, like `rounds`
    assert result.valid[0] == pytest.approx(material[1][:FIT].mean(axis=0))


def test_what_fits_all_targets_at_the_price_of_one_does_so_by_default(material, seen):
    run(material, {}, family="all")
    assert [r.y.shape for r in seen] == [(FIT, 3)]
    run(material, {"targets": "independent"}, family="all")
    assert [r.y.shape for r in seen[1:]] == [(FIT,)] * 3
    run(material, {}, family="all", problem=replace(VALUES, objective="l1"))
    assert [r.y.shape for r in seen[4:]] == [(FIT,)] * 3  # medians are found target by target


def test_constant_targets_are_left_out_of_one_model(material, seen):
    y = material[1].copy()
    y[:FIT, 1] = 5
    result = run(material, {"targets": "native"}, family="all", y=y)
    assert seen[0].y.shape == (FIT, 2)
    assert seen[0].problem.n_targets == 2
    assert (result.valid[:, 1] == 5).all()
    y[:FIT, 2] = 6
    result = run(material, {"targets": "native"}, family="all", y=y)
    assert seen[1].y.shape == (FIT,)
    assert "targets" not in seen[1].params
    assert result.valid[0] == pytest.approx([y[:FIT, 0].mean(), 5, 6])


def test_rounds_of_one_model_are_the_mean_over_its_targets(material, seen):
    run(material, {"targets": "native"}, family="all", rounds=(4, 8, 9))
    assert seen[0].rounds == 7
    assert seen[0].y_valid is None


def test_targets_of_one_model_are_transformed_each_by_itself(material, seen):
    y = np.exp(0.3 * material[1])
    pipeline = Pipeline.of(FEATURES, "all", {"targets": "native"}, target="ranks")
    result = run_fold(material[0], VALUES, pipeline, y, *ROWS)
    assert seen[0].y.mean(axis=0) == pytest.approx(0, abs=0.02)
    assert [len(r.y) for r in seen[1:]] == [200] * 6  # two halves of each target, for its residuals
    assert result.valid[0] == pytest.approx(y[:FIT].mean(axis=0), rel=0.1)


def test_strategies_that_cannot_be_fitted_are_refused():
    one = FAMILIES["lightgbm"]
    assert not one.native_targets
    for params, message in (
        ({"targets": "native"}, "one target at a time"),
        ({"targets": "together"}, "independent, chained, native"),
        ({"targets": "chained", "chain": "0,1"}, "no order"),
        ({"targets": "chained", "chain": "0,1,1"}, "no order"),
        ({"targets": "chained", "chain": "b"}, "no order"),
    ):
        with pytest.raises(PipelineError, match=message):
            strategy_of(params, one, VALUES)
    strategy, left = strategy_of({"targets": "native", "rounds": 5}, one, replace(VALUES, n_targets=1))
    assert strategy.kind == "independent"
    assert left == {"rounds": 5}
