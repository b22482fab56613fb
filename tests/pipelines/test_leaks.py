"""No feature leaks: on targets that are pure noise every operator scores at chance, for rows it was fitted on and not.

Two ways of leaking are looked for. A feature may tell a row its own target: then a model of the feature predicts, from
one half of the rows that it was fitted on, the other half. Or it may carry targets of validation rows: then it predicts
those. A new operator fails this file until it has an example in `EXAMPLES`.
"""

from functools import lru_cache

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frame import Frame
from medalist.pipelines.features.language.expression import parse
from medalist.pipelines.features.operators import OPERATORS, is_supervised, operator_of
from medalist.pipelines.features.operators.base import Operator, Target
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.features.typing import Schema, check
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

TRAIN, TEST, FIT = 800, 100, 550
PROBLEMS = ("binary", "multiclass", "regression")
SIGMAS = 4  # standard errors that a score of other rows may be away from chance
# Nested means of the other inner folds are a little lower where a fold's own mean is higher. A model that tells the
# folds apart gains about two standard errors from that on the rows of the fit, and nothing on others.
SIGMAS_FITTED = 6

EXAMPLES = {
    "number": "number(x)",
    "missing": "missing(x)",
    "add": "x + z",
    "subtract": "x - z",
    "multiply": "x * z",
    "divide": "x / z",
    "smaller": "smaller(x, z)",
    "larger": "larger(x, z)",
    "hypotenuse": "hypotenuse(x, z)",
    "haversine": "haversine(x, z, x, whole)",
    "log": "log(x)",
    "abs": "abs(x)",
    "root": "root(x)",
    "fraction": "fraction(x)",
    "round": "round(x, 1)",
    "digit": "digit(whole, 1)",
    "decimals": "decimals(x)",
    "mod": "mod(whole, 7)",
    "equal": "equal(city, town)",
    "sine": "sine(hour(day), 24)",
    "cosine": "cosine(hour(day), 24)",
    "year": "year(day)",
    "quarter": "quarter(day)",
    "month": "month(day)",
    "week": "week(day)",
    "day": "day(day)",
    "weekday": "weekday(day)",
    "dayofyear": "dayofyear(day)",
    "hour": "hour(day)",
    "minute": "minute(day)",
    "second": "second(day)",
    "daytime": "daytime(day)",
    "elapsed": "elapsed(day)",
    "days": "days(day, until)",
    "length": "length(note)",
    "words": "words(note)",
    "parts": "parts(cabin)",
    "part_number": "part_number(cabin, 1)",
    "field_number": "field_number(cabin, 1)",
    "first_number": "first_number(cabin)",
    "part": "part(cabin, 0)",
    "field": "field(cabin, 0)",
    "field_word": "field_word(cabin, 0, 0)",
    "prefix": "prefix(cabin, 3)",
    "character": "character(cabin, 1)",
    "suffix": "suffix(cabin, 1)",
    "letters": "letters(cabin)",
    "pattern": "pattern(cabin)",
    "code": "code(city)",
    "count": "count(guest)",
    "cross": "city × town",
    "bin": "bin(x, 10)",
    "rank": "rank(x) by city",
    "mean": "mean(x) by guest",
    "sum": "sum(x) by shop",
    "std": "std(x) by shop",
    "min": "min(x) by shop",
    "max": "max(x) by city, town",
    "median": "median(x) by shop",
    "distinct": "distinct(town) by shop",
    "row_sum": "row_sum(x, z, whole)",
    "row_mean": "row_mean(x, z, whole)",
    "row_std": "row_std(x, z, whole)",
    "row_min": "row_min(x, z, whole)",
    "row_max": "row_max(x, z, whole)",
    "row_range": "row_range(x, z, whole)",
    "row_median": "row_median(x, z, whole)",
    "row_zeros": "row_zeros(x, z, whole)",
    "row_distinct": "row_distinct(x, z, whole)",
    "row_argmax": "row_argmax(x, z, whole)",
    "row_mode": "row_mode(x, z, whole)",
    "row_sorted": "row_sorted(x, z, whole)",
    "row_gaps": "row_gaps(x, z, whole)",
    "row_repeats": "row_repeats(x, z, whole)",
    "row_missing": "row_missing(x, z, city)",
    "lag": "lag(x, day, 1) by shop",
    "since_previous": "since_previous(day) by guest",
    "until_next": "until_next(day) by shop",
    "position": "position(day) by shop",
    "rolling_mean": "rolling_mean(x, day, 3) by shop",
    "rolling_std": "rolling_std(x, day, 7) by city",
    "rolling_min": "rolling_min(x, whole, 3)",
    "rolling_max": "rolling_max(x, day, 3)",
    "expanding_mean": "expanding_mean(x, day) by guest",
    "target_lag": "target_lag(day, 0) by shop",
    "pca": "pca(x, z, whole, 2)",
    "kmeans": "kmeans(x, z, 9)",
    "kmeans_distance": "kmeans_distance(x, z, 4)",
    "target_neighbours": "target_neighbours(x, z, 5)",
    "table.mean": "mean(orders.amount) by shop",
    "table.sum": "sum(orders.amount) by shop",
    "table.std": "std(orders.amount) by shop",
    "table.min": "min(orders.amount) by guest, orders.buyer",
    "table.max": "max(orders.amount) by shop",
    "table.median": "median(orders.amount) by shop",
    "table.count": "count(orders.kind) by shop",
    "table.distinct": "distinct(orders.kind) by shop",
    "table.value": "value(orders.amount) by guest, orders.buyer",
    "table.label": "label(orders.kind) by shop",
    "table.mode": "mode(orders.kind) by shop",
    "text_shape": "text_shape(note)",
    "tfidf": "tfidf(note)",
    "char_tfidf": "char_tfidf(note)",
    "svd": "svd(tfidf(note), 4)",
    "target_linear": "target_linear(tfidf(note))",
    "target_bayes": "target_bayes(tfidf(note))",
    "target_mean": "target_mean(shop)",
    "target_std": "target_std(shop)",
    "target_median": "target_median(shop)",
}
COMPOSED = (
    "target_mean(guest)",
    "target_mean(guest, 0.1)",
    "target_mean(guest × city)",
    "target_std(guest × city)",
    "target_median(bin(x, 40))",
    "target_mean(x)",
    "target_mean(city)",
    "target_mean(bin(x, 40))",
    "target_mean(city × town × bin(z, 3))",
    "target_mean(part(cabin, 0))",
    "target_mean(kmeans(x, z, 20))",
    "target_mean(mode(orders.kind) by shop)",
    "x - target_mean(guest)",
    "target_mean(guest) / target_mean(shop)",
    "row_mean(target_mean(guest), target_mean(shop), target_lag(day, 0))",
    "row_sorted(target_mean(guest), target_mean(city), x)",
    "target_lag(day, 0)",
    "target_lag(day, 0) by guest",
    "target_lag(day, 2, 9) by city, town",
    "target_lag(whole, 0, 30)",
    "target_lag(x, 0.1) by city",
    "target_lag(elapsed(day), 1) by shop",
    "target_neighbours(x, 1)",
    "target_neighbours(whole, 3)",
    "target_neighbours(x, z, whole, elapsed(day), 3)",
    "target_neighbours(rank(x), log(whole), 10)",
    "target_neighbours(count(guest), 4)",
    "target_linear(char_tfidf(note))",
    "target_bayes(char_tfidf(note))",
    "mean(lag(x, day, 1) by shop) by city",
    "x - mean(x) by guest",
    "rank(since_previous(day) by shop) by city",
    "count(guest × shop)",
    "(x - mean(x) by shop) / std(x) by shop",
    "sum(orders.amount) by shop - sum(x) by shop",
    "kmeans(length(note), count(city), x, 5)",
    "rolling_mean(mean(orders.amount) by shop, day, 5) by city",
    "lag(x, day, -1) by guest",
    "log(count(guest)) * x",
)
ALL = (*EXAMPLES.values(), *COMPOSED)
SUPERVISED = tuple(text for text in ALL if is_supervised(parse(text)))
OF_CLASSES = tuple(text for text in SUPERVISED if operator_of(parse(text)).kind == "supervised")  # a column per class
SCHEMA = Schema(
    {
        **dict.fromkeys(("x", "z", "whole"), "number"),
        **dict.fromkeys(("city", "town", "shop", "guest", "cabin"), "category"),
        **dict.fromkeys(("day", "until"), "date"),
        "note": "text",
    },
    {"orders": {"shop": "category", "buyer": "category", "amount": "number", "kind": "category"}},
)


class Noise:
    """Rows in which nothing depends on anything; `guest` is a nearly unique key, `shop` has few rows a value."""

    def __init__(self, n_train=TRAIN, n_test=TEST, seed=0):
        rng = np.random.default_rng(seed)
        n = n_train + n_test
        days = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 200 * 86_400, n), "s")
        words = ["red", "green", "old", "new", "big", "small", "fast", "slow", "warm", "cold", "round", "flat"]
        self.n_train, self.n_rows = n_train, n
        self.rows = pd.DataFrame(
            {
                "x": np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n).round(3)),
                "z": rng.normal(size=n),
                "whole": rng.integers(0, 500, n),
                "city": pd.array(rng.choice([*"abcdefg", None], n), dtype="str"),
                "town": rng.choice([*"abcdefg"], n),
                "shop": rng.integers(0, n // 5, n).astype(str),
                "guest": rng.integers(0, 2 * n, n).astype(str),
                "cabin": [f"{'ABCD'[i % 4]}/{i}/{'PS'[i % 2]}" for i in rng.integers(0, 200, n)],
                "day": days.floor("h").astype(str),
                "until": (days + pd.to_timedelta(rng.integers(0, 99, n), "D")).astype(str),
                "note": [" ".join(rng.choice(words, 4)) for _ in range(n)],
            }
        )
        m = 2 * n
        self.orders = pd.DataFrame(
            {
                "shop": rng.integers(0, n // 5, m).astype(str),
                "buyer": rng.integers(0, 2 * n, m).astype(str),
                "amount": rng.normal(size=m),
                "kind": rng.choice([*"uvwxyz"], m),
            }
        )

    def column(self, name):
        return self.rows[name]

    def table(self, name):
        return {"orders": self.orders}[name]


@lru_cache(maxsize=1)
def frame_of_noise():
    return Frame(Noise())


def noise_targets(problem, n, seed):
    rng = np.random.default_rng([7, seed])
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[problem]
    return (rng.integers(0, classes, n) if classes else rng.normal(size=n)).astype(float)[:, None], classes


def computed(frame, text, target):
    value = frame.fitted_on(target).value(parse(text))
    return value.reshape(len(value), -1) if isinstance(value, np.ndarray) else value


def predicted(problem, inputs, y, asked):
    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "l2"}[problem]
    options = {"objective": objective, "num_leaves": 4, "min_data_in_leaf": 25, "learning_rate": 0.2, "verbosity": -1}
    options |= {"num_threads": 1, "deterministic": True, "seed": 0, "max_bin": 63}
    if problem == "multiclass":
        options["num_class"] = 3
    model = lightgbm.train(options, lightgbm.Dataset(inputs, y[:, 0], params={"verbosity": -1}), 12)
    return model.predict(asked).reshape(asked.shape[0], -1)


def concordance(problem, y, predictions):
    """AUC, its mean over the classes, or for values the AUC of being above the median; and its error at chance."""
    y = y[:, 0]
    above = y > np.median(y) if problem == "regression" else y == 1
    parts = [y == c for c in range(3)] if problem == "multiclass" else [above]
    score = np.mean([roc_auc_score(part, p) for part, p in zip(parts, predictions.T, strict=True)])
    positive = parts[0].sum()
    return score, (len(y) + 1) / (12 * positive * (len(y) - positive))


def deviations(text, problem, seeds):
    """How many standard errors scores are above chance: of other rows, and of rows that the feature was fitted on."""
    frame = frame_of_noise()
    scores, variances = [], []
    for seed in range(seeds):
        y, classes = noise_targets(problem, TRAIN, seed)
        rows = np.random.default_rng([3, seed]).permutation(TRAIN)
        fit, valid = np.sort(rows[:FIT]), np.sort(rows[FIT:])
        inputs = computed(frame, text, Target(fit, y[fit], classes, seed))
        pairs = [(fit, valid)]
        if is_supervised(parse(text)):
            pairs.append((rows[: FIT // 2], rows[FIT // 2 : FIT]))
        found = [concordance(problem, y[b], predicted(problem, inputs[a], y[a], inputs[b])) for a, b in pairs]
        scores.append([score for score, _ in found])
        variances.append([variance for _, variance in found])
    return (np.mean(scores, axis=0) - 0.5) / np.sqrt(np.mean(variances, axis=0) / seeds)


def test_every_operator_has_a_well_typed_example():
    assert set(EXAMPLES) == set(OPERATORS), "give a new operator an example in EXAMPLES"
    for name, text in EXAMPLES.items():
        assert operator_of(parse(text)) is OPERATORS[name]
    for text in ALL:
        check(parse(text), SCHEMA)


@pytest.mark.parametrize("text", [t for t in ALL if t not in SUPERVISED])
def test_features_without_a_target_predict_noise_at_chance(text):
    assert np.abs(deviations(text, "binary", 2)) < SIGMAS


@pytest.mark.parametrize(
    ("text", "problem"), [(t, p) for t in SUPERVISED for p in PROBLEMS if t in OF_CLASSES or p != "multiclass"]
)
def test_features_of_the_target_predict_noise_at_chance(text, problem):
    others, fitted = deviations(text, problem, 5)
    assert abs(others) < SIGMAS
    assert abs(fitted) < SIGMAS_FITTED


def naive_mean(frame, feature, target):
    """Mean target by key, each row's own included."""
    key = frame.key(feature.args[0])
    codes = key.codes[target.fit]
    counts = np.bincount(codes, minlength=key.size) + 1.0
    sums = [np.bincount(codes, v, minlength=key.size) + v.mean() for v in target.values.T]
    return np.stack([(s / counts)[key.codes] for s in sums], axis=1)


def others_mean(frame, feature, target):
    """Mean target by key of all other rows: the rows of a group differ by their own target alone."""
    out = naive_mean(frame, feature, target)
    key = frame.key(feature.args[0]).codes[target.fit]
    counts = np.bincount(key)[key][:, None] + 1.0
    out[target.fit] = (out[target.fit] * counts - target.values) / np.maximum(counts - 1, 1)
    return out


@pytest.fixture
def leaking(monkeypatch):
    monkeypatch.setitem(OPERATORS, "naive_mean", Operator("supervised", ("key",), "numbers", naive_mean))
    monkeypatch.setitem(OPERATORS, "others_mean", Operator("supervised", ("key",), "numbers", others_mean))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_feature_that_tells_a_row_its_own_target_is_caught(leaking, problem):
    for text in ("naive_mean(guest)", "naive_mean(guest × city)", "naive_mean(shop)", "others_mean(missing(z))"):
        assert deviations(text, problem, 5)[1] > 2 * SIGMAS_FITTED, text


def test_a_feature_that_carries_targets_of_validation_rows_is_caught(monkeypatch):
    def known(frame, feature):
        return np.concatenate([noise_targets("binary", TRAIN, 0)[0][:, 0], np.zeros(TEST)])

    monkeypatch.setitem(OPERATORS, "known", Operator("transductive", ("key",), "number", known))
    assert deviations("known(x)", "binary", 1)[0] > 2 * SIGMAS


def moved(text, seed, problem):
    """How far changing one row's target moves the feature at that row, and at the others at most."""
    frame = Frame(Noise(60, 20, seed))
    rng = np.random.default_rng(seed)
    fit = np.sort(rng.permutation(60)[:45])
    y, classes = noise_targets(problem, 45, seed)
    y[:3, 0] = range(3) if problem == "multiclass" else (0, 1, 1)  # every class occurs
    before = computed(frame, text, Target(fit, y, classes, seed))
    own, others = 0.0, 0.0
    for i in rng.integers(3, 45, 3):
        changed = y.copy()
        changed[i] = (y[i] + 1) % classes if classes else y[i] + 5
        apart = np.nan_to_num(np.abs(computed(frame, text, Target(fit, changed, classes, seed)) - before))
        own, others = max(own, apart[fit[i]].max()), max(others, np.delete(apart, fit[i], axis=0).max())
    return own, others


@pytest.mark.parametrize("text", SUPERVISED)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), problem=st.sampled_from(PROBLEMS))
def test_a_rows_own_target_never_moves_its_feature(text, seed, problem):
    own, _ = moved(text, seed, problem if text in OF_CLASSES else "regression")
    assert own < 1e-9


def test_that_check_can_fail_and_targets_do_move_other_rows(leaking):
    assert moved("naive_mean(guest)", 1, "binary")[0] > 0.01
    own, others = moved("target_mean(city)", 1, "binary")
    assert own < 1e-9 < 0.001 < others


@pytest.mark.parametrize(
    "text",
    ["mean(target_mean(guest)) by shop", "lag(target_mean(guest), day, 1)", "target_mean(bin(target_mean(guest), 5))"],
)
def test_what_looks_at_many_rows_takes_nothing_made_with_the_target(text):
    with pytest.raises(PipelineError, match="many rows"):
        check(parse(text), SCHEMA)


def test_and_that_is_because_it_would_leak():
    noise, fit = Noise(60, 20), np.arange(60)
    y, _ = noise_targets("regression", 60, 0)
    changed = y + 5.0 * (fit == 7)[:, None]
    text = "mean(target_mean(town)) by city"
    a, b = (computed(Frame(noise), text, Target(fit, targets, 0, 0)) for targets in (y, changed))
    assert abs(a - b)[7, 0] > 0.01


@pytest.mark.parametrize("problem", PROBLEMS)
def test_folds_of_a_pipeline_do_not_depend_on_their_validation_targets(tmp_path, problem):
    noise = Noise()
    store = FeatureStore.create(
        tmp_path, "noise", noise.rows[:TRAIN], noise.rows[TRAIN:].reset_index(drop=True), {"orders": noise.orders}
    )
    features = OF_CLASSES if problem == "multiclass" else SUPERVISED
    recipe = Pipeline.of(features, "lightgbm", {"rounds": 15})
    objective = {"binary": "logloss", "multiclass": "logloss", "regression": "l2"}[problem]
    y, classes = noise_targets(problem, TRAIN, 11)
    task = Problem(problem, 1, classes, objective, False)
    rows = np.arange(TRAIN)
    scores, variances = [], []
    for k in range(3):
        fit, valid, other = rows[rows % 3 != k], rows[rows % 3 == k], y.copy()
        other[valid] = other[valid][::-1]
        a, b = (
            run_fold(store, task, recipe, targets, fit, valid, np.arange(TRAIN, TRAIN + TEST), fold=k, rounds=(15,))
            for targets in (y, other)
        )
        assert (a.valid == b.valid).all()
        score, variance = concordance(problem, y[valid], a.valid)
        scores.append(score)
        variances.append(variance)
    assert abs(np.mean(scores) - 0.5) < SIGMAS * np.sqrt(np.mean(variances) / 3)
