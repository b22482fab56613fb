"""Transformations of the target: undone exactly, fitted on the training part alone, bounded, and worth it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medalist.competitions.columns.cards import describe_columns
from medalist.competitions.errors import PipelineError
from medalist.competitions.folds.plan import FoldPlan
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem, unit_of
from medalist.pipelines.targets.candidates import candidates, series_keys
from medalist.pipelines.targets.transform import canonical, fit_target, read_target

SHOPS, DAYS, AHEAD = 4, 730, 120
LEVEL, DAMPED = "level(date, 365) by shop", "level(date, 365, 0.5) by shop"
LAGGED, TREND = "lagged(date, 120, 120) by shop", "trend(date) by shop"
SCALES = ("plain", "log", "sqrt", "ranks", "yeojohnson")
RELATIVE = (LEVEL, DAMPED, LAGGED, TREND)
ALL = (*SCALES, *RELATIVE, "linear")
FAST = {"learning_rate": 0.1, "rounds": 40, "num_leaves": 15}


def problem_of(objective="l2", *, log=False, targets=1):
    return Problem("regression", targets, 0, objective, log)


RMSE, LOGS = problem_of(), problem_of("l1", log=True)


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """Daily sales of shops that grow by a third a year, the last days of which are test rows."""
    rng = np.random.default_rng(0)
    days = np.tile(np.arange(DAYS + AHEAD), SHOPS)
    shop = np.repeat(np.arange(SHOPS), DAYS + AHEAD)
    y = 20 * 2.0**shop * 1.33 ** (days / 365) * (1 + 0.05 * np.sin(days / 58)) * np.exp(rng.normal(0, 0.05, len(days)))
    frame = pd.DataFrame({
        "date": (pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")).astype(str),
        "shop": np.array(list("abcd"))[shop],
        "holiday": np.where(days % 30 == 0, "yes", "no"),
        "price": rng.normal(size=len(days)).round(1),
    })  # fmt: skip
    order = np.argsort(days >= DAYS, kind="stable")
    frame, y, days = frame.iloc[order].reset_index(drop=True), y[order, None], days[order]
    n = int((days < DAYS).sum())
    store = FeatureStore.create(tmp_path_factory.mktemp("shops"), "shops", frame.iloc[:n], frame.iloc[n:])
    return store, y, days, n


@pytest.fixture(scope="module")
def plain_frame(tmp_path_factory):
    frame = pd.DataFrame({"a": np.arange(60.0)})
    return FeatureStore.create(tmp_path_factory.mktemp("plain"), "plain", frame.iloc[:50], frame.iloc[50:]).frame


def fitted(text, store, y, rows, problem=RMSE):
    return fit_target(text, problem, store.frame, rows, y[rows], rows)


@given(
    name=st.sampled_from(("", *SCALES)),
    values=hnp.arrays(
        float, st.tuples(st.integers(2, 50), st.integers(1, 3)), elements=st.floats(0, 1e6, allow_subnormal=False)
    ),
)
@settings(deadline=None)
def test_what_a_scale_does_to_training_values_is_undone(plain_frame, name, values):
    rows = np.arange(len(values))
    target = fit_target(name, problem_of(targets=values.shape[1]), plain_frame, rows, values, rows)
    back = target.backward(target.forward(values, rows), rows)
    assert back == pytest.approx(values, rel=1e-6, abs=1e-6 * max(1.0, np.abs(values).max()))


@given(values=hnp.arrays(float, st.tuples(st.integers(2, 50), st.just(1)), elements=st.floats(-1e4, 1e4, width=32)))
@settings(deadline=None)
def test_negative_values_are_undone_where_they_are_allowed(plain_frame, values):
    rows = np.arange(len(values))
    for name in ("plain", "ranks", "yeojohnson"):
        target = fit_target(name, RMSE, plain_frame, rows, values, rows)
        back = target.backward(target.forward(values, rows), rows)
        assert back == pytest.approx(values, rel=1e-5, abs=1e-5 * max(1.0, np.abs(values).max()))
    if values.min() < 0:
        for name in ("log", "sqrt"):
            with pytest.raises(PipelineError, match="0 or more"):
                fit_target(name, RMSE, plain_frame, rows, values, rows)


@pytest.mark.parametrize("problem", [RMSE, problem_of("l1"), problem_of("mape"), LOGS], ids=lambda p: p.objective)
@pytest.mark.parametrize("text", RELATIVE)
def test_what_is_relative_to_a_series_is_undone(shops, text, problem):
    store, y, _, n = shops
    for values in (y, y - 100 if not problem.log else y):  # by difference where some are negative
        rows = np.arange(n)
        target = fitted(text, store, values, rows, problem)
        assert target.backward(target.forward(values[rows], rows), rows) == pytest.approx(values[rows])


@pytest.mark.parametrize("text", ALL[:-1])
def test_predictions_far_outside_stay_near_the_values_seen(shops, text):
    store, y, _, n = shops
    rows, test = np.arange(n), np.arange(n, store.n_rows)
    target = fitted(text, store, y, rows)
    for far in (-1e9, -50.0, 50.0, 1e9):
        out = target.backward(np.full((len(test), 1), far), test)
        assert np.isfinite(out).all()
        assert np.abs(out).max() < 5 * y[:n].max()


@pytest.mark.parametrize("text", ALL)
def test_only_the_training_targets_reach_the_predictions(shops, text):
    store, y, days, n = shops
    every = np.arange(n)
    fit, valid = every[days[:n] < 600], every[days[:n] >= 600]
    changed = y.copy()
    changed[valid] = y[valid][::-1] * 3 + 7
    changed[n:] = 0
    pipeline = Pipeline.of(("elapsed(date)", "month(date)", "target_mean(shop)"), "lightgbm", FAST, target=text)
    first, again = (
        run_fold(store, RMSE, pipeline, t, fit, valid, np.arange(n, n + 40), rounds=(20,)) for t in (y, changed)
    )
    assert (first.valid == again.valid).all()
    assert (first.test == again.test).all()


@pytest.mark.parametrize("text", RELATIVE)
def test_rows_without_a_time_unknown_series_and_zeros_have_a_level_too(tmp_path, text):
    n = 300
    dates = [str(pd.Timestamp("2020-01-01") + pd.Timedelta(days=3 * i))[:10] for i in range(n)]
    frame = pd.DataFrame({"date": dates, "shop": np.where(np.arange(n) % 3, "a", "b")})
    frame.loc[::17, "date"] = None
    frame.loc[250:270, "shop"] = "new"
    frame.loc[::19, "shop"] = None
    store = FeatureStore.create(tmp_path, "holes", frame.iloc[:250], frame.iloc[250:])
    y = np.where(np.arange(n) % 3, 0.0, 5.0 + np.arange(n) % 2)[:, None] * [1, 10]  # shop a sells nothing
    rows, everything = np.arange(250), np.arange(n)
    for problem in (problem_of(targets=2), problem_of("l1", log=True, targets=2)):
        target = fitted(text, store, y, rows, problem)
        assert target.backward(target.forward(y[:250], rows), rows) == pytest.approx(y[:250])
        assert np.isfinite(target.backward(np.ones((n, 2)), everything)).all()
        assert np.isfinite(target.forward(y, everything)).all()


def forecast_error(shops, text, problem, features):
    store, y, _, n = shops
    test = np.arange(n, store.n_rows)
    pipeline = Pipeline.of(features, "lightgbm", FAST | {"rounds": 100}, target=text)
    result = run_fold(store, problem, pipeline, y, np.arange(n), np.arange(0), test, rounds=(100,))
    return float(np.sqrt(np.mean((result.test - y[n:]) ** 2)))


@pytest.mark.parametrize(("text", "share"), [(TREND, 0.5), (LAGGED, 0.7)])
@pytest.mark.parametrize("problem", [RMSE, LOGS], ids=["rmse", "logs"])
def test_a_trend_that_trees_cannot_go_on_with_goes_on(shops, text, share, problem):
    features = ("elapsed(date)", "dayofyear(date)", "code(shop)")
    assert forecast_error(shops, text, problem, features) < share * forecast_error(shops, "", problem, features)


def test_a_level_that_goes_on_is_nearer_to_a_trend_than_one_that_does_not(shops):
    features = ("dayofyear(date)", "code(shop)")
    still, damped = (forecast_error(shops, text, RMSE, features) for text in (LEVEL, "level(date, 365, 1) by shop"))
    assert damped < 0.6 * still


def test_a_line_under_the_trees_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(0, 3, 300), rng.uniform(3, 3.3, 100)])
    frame = pd.DataFrame({"x": x, "z": rng.normal(size=400)})
    y = (10 * x + np.sin(3 * frame["z"].to_numpy()))[:, None]
    store = FeatureStore.create(tmp_path, "line", frame.iloc[:300], frame.iloc[300:])
    errors = {}
    for text in ("", "linear"):
        pipeline = Pipeline.of(("number(x)", "number(z)"), "lightgbm", FAST, target=text)
        result = run_fold(store, RMSE, pipeline, y, np.arange(300), np.arange(0), np.arange(300, 400), rounds=(40,))
        errors[text] = float(np.sqrt(np.mean((result.test - y[300:]) ** 2)))
    assert errors["linear"] < 0.4 * errors[""]


def test_means_of_logarithms_are_undone_to_means_for_squared_errors_only(tmp_path):
    rng = np.random.default_rng(0)
    store = FeatureStore.create(
        tmp_path, "noise", pd.DataFrame({"x": rng.normal(size=900)}), pd.DataFrame({"x": [0.0]})
    )
    y = np.exp(rng.normal(size=900))[:, None]  # mean 1.65, median 1
    pipeline = Pipeline.of(("number(x)",), "linear", {"alpha": 1.0}, target="log")
    rows = np.arange(600), np.arange(600, 900), np.arange(900, 901)
    means = {p.objective: run_fold(store, p, pipeline, y, *rows).valid.mean() for p in (RMSE, problem_of("l1"))}
    assert means["l2"] == pytest.approx(y[:600].mean(), rel=0.1)
    assert means["l1"] < 1.3
    absolute = pipeline.changed(params=FAST | {"loss": "l1"}, family="lightgbm")
    assert run_fold(store, RMSE, absolute, y, *rows).valid.mean() < 1.3


def test_rows_that_are_divided_count_as_the_metric_counts_them(shops):
    store, y, _, n = shops
    rows = np.arange(n)
    for objective, power in (("l2", 2), ("l1", 1)):
        target = fitted(LEVEL, store, y, rows, problem_of(objective))
        weights = target.weights(rows)
        assert weights.mean(axis=0) == pytest.approx(1)
        expected = (y[rows] / target.forward(y[rows], rows)) ** power
        assert weights == pytest.approx(expected / expected.mean())
    assert fitted(LEVEL, store, y, rows, LOGS).weights(rows) is None
    assert fitted("log", store, y, rows).weights(rows) is None


def test_time_is_dropped_where_the_level_stands_for_it(shops):
    store, y, _, n = shops
    features = ("elapsed(date)", "dayofyear(date)", "code(shop)")
    rows = np.arange(n), np.arange(0), np.arange(n, store.n_rows)
    for text, dropped in (("", False), (LAGGED, True), (LEVEL, False), ("level(date, 120) by shop", True)):
        used = run_fold(store, RMSE, Pipeline.of(features, "lightgbm", FAST, target=text), y, *rows, rounds=(9,))
        assert ("elapsed(date)" not in used.importance) == dropped, text
        assert "dayofyear(date)" in used.importance


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cube", "no transformation"),
        ("own", "no transformation"),
        ("log(x)", "takes nothing"),
        ("level by shop", "no operator"),
        ("level() by shop", "cannot be read"),
        ("level(date) by shop", "cannot be read"),
        ("level(date, 0) by shop", "cannot be read"),
        ("level(date, 365, 0.5, 2)", "cannot be read"),
        ("lagged(date, 16) by shop", "cannot be read"),
        ("trend(date, 3)", "cannot be read"),
        ("trend(month(date))", "cannot be read"),
        ("trend(date) by month(date)", "cannot be read"),
        ("trend(other.date)", "cannot be read"),
        ("mean(a)", "no transformation"),
        ("trend(date", "lacks"),
        ("  ", "ends too early"),
    ],
)
def test_what_names_no_transformation_is_refused(text, message):
    with pytest.raises(PipelineError, match=message):
        read_target(text)


def test_a_transformation_has_one_text():
    assert canonical(" log ") == "log"
    assert canonical("level( date,365.0 )by store,`my key`") == "level(date, 365) by `my key`, store"
    for text in (*SCALES, *RELATIVE, "linear", "trend(date)"):
        assert canonical(canonical(text)) == canonical(text) == text


def test_a_column_that_there_is_not_and_a_class_are_refused(shops):
    store, y, _, n = shops
    with pytest.raises(PipelineError, match="no column"):
        fitted("trend(date) by town", store, y, np.arange(n))
    for kind in ("binary", "multiclass", "ordinal"):
        with pytest.raises(PipelineError, match="no scale"):
            fitted("log", store, y, np.arange(n), Problem(kind, 1, 2, "l2", False))


def cards_and_train(shops):
    store, y, _, n = shops
    frame = pd.DataFrame({name: store.column(name) for name in ("date", "shop", "holiday", "price")})
    train, test = frame.iloc[:n].assign(y=y[:n, 0]), frame.iloc[n:]
    return describe_columns(train, test, {"y"}), train, y[:n]


def test_series_are_identified_by_what_distinguishes_rows_of_one_time(shops):
    cards, train, _ = cards_and_train(shops)
    assert series_keys("date", cards, train) == ("shop",)
    assert series_keys("date", cards, train[train["shop"] == "a"]) == ()


def test_forecasts_are_relative_to_levels_and_trends(shops):
    cards, train, y = cards_and_train(shops)
    plan = FoldPlan("time", 3, "date", horizon=120.0)
    forecasts = candidates(RMSE, y, plan, cards, train)
    assert [name for name, _ in forecasts][:2] == ["lagged(date, 120, 120) by shop", "trend(date) by shop"]
    assert {canonical(name) for name, _ in forecasts} == {name for name, _ in forecasts}
    assert all(reason for _, reason in forecasts)
    yearly = candidates(RMSE, y, FoldPlan("time", 2, "date", horizon=365.0), cards, train)
    assert [name for name, _ in yearly][:2] == ["trend(date) by shop", "level(date, 365, 0.5) by shop"]
    further = candidates(RMSE, y, plan, cards, train, 365.0)
    assert [name for name, _ in further] == [name for name, _ in yearly]
    assert candidates(RMSE, y, plan, cards, train, 9999.0) == forecasts  # as far as no series goes back
    assert not any("date" in name for name, _ in candidates(RMSE, y, FoldPlan("random", 5), cards, train))


def test_scales_are_for_long_tails(shops):
    rng = np.random.default_rng(0)
    plan = FoldPlan("random", 5)
    normal, long = rng.normal(5, 1, (500, 1)).clip(0), np.exp(rng.normal(0, 1, (500, 1)))

    def names(y, problem=RMSE):
        return {name for name, _ in candidates(problem, y, plan, ())}

    assert names(normal) == {"linear"}
    assert names(long) == {"linear", "ranks", "log", "sqrt"}
    assert names(100 * long, LOGS) == {"linear"}
    assert "log" not in names(-long)
    assert candidates(Problem("binary", 1, 2, "logloss", False), (long > 1).astype(float), plan, ()) == ()


@pytest.mark.parametrize("size", [1.0, 1e-4])
def test_relative_errors_are_fitted_alike_in_every_unit(size):
    y = size * np.exp(np.random.default_rng(0).normal(size=(500, 1)))
    made = Problem("regression", 1, 0, "l1", True, unit=unit_of(y))
    assert made.backward(made.forward(y)) == pytest.approx(y)
    assert np.std(made.forward(y)) == pytest.approx(0.85, abs=0.1)  # of logarithms it would be 1
    assert unit_of(1000 * y / size) == 1.0
    assert unit_of(np.zeros((5, 1))) == 1.0
