"""No feature leaks: on targets that are pure noise every operator scores at chance, for rows it was fitted on and not.

Two ways of leaking are looked for. A feature may tell a row its own target: then a model of the feature predicts, from
one half of the rows that it was fitted on, the other half. Or it may carry targets of validation rows: then it predicts
those. Every operator is tested by the example that it carries.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from noise import (
    PROBLEMS,
    SCHEMA,
    SIGMAS,
    SIGMAS_FITTED,
    TEST,
    TRAIN,
    Noise,
    computed,
    concordance,
    deviations,
    moved,
    noise_targets,
)

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.operator import OPERATORS, Operator
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import is_supervised, operator_of
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.features.typing import check
from medalist.pipelines.fitting.fold import run_fold
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.problem import Problem

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
ALL = (*(operator.example for operator in OPERATORS.values()), *COMPOSED)
SUPERVISED = tuple(text for text in ALL if is_supervised(parse(text)))
OF_CLASSES = tuple(text for text in SUPERVISED if operator_of(parse(text)).kind == "supervised")  # a column per class


def test_every_operator_has_a_well_typed_example():
    for operator in OPERATORS.values():
        assert operator_of(parse(operator.example)) is operator
    for text in ALL:
        check(parse(text), SCHEMA)


@pytest.mark.parametrize("text", [t for t in ALL if t not in SUPERVISED])
def test_features_without_a_target_predict_noise_at_chance(text):
    assert np.abs(deviations(text, "binary", 2)) < SIGMAS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(t, p, marks=[pytest.mark.slow] if t in COMPOSED and p != "binary" else [])
        for t in SUPERVISED
        for p in PROBLEMS
        if t in OF_CLASSES or p != "multiclass"
    ],
)
def test_features_of_the_target_predict_noise_at_chance(text, problem):
    validation, fitted = deviations(text, problem, 5)
    assert abs(validation) < SIGMAS
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
    for compute in (naive_mean, others_mean):
        operator = Operator("supervised", ("key",), "numbers", compute, "{0}", f"{compute.__name__}(guest)")
        monkeypatch.setitem(OPERATORS, compute.__name__, operator)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_feature_that_tells_a_row_its_own_target_is_caught(leaking, problem):
    for text in ("naive_mean(guest)", "naive_mean(guest × city)", "naive_mean(shop)", "others_mean(missing(z))"):
        assert deviations(text, problem, 5)[1] > 2 * SIGMAS_FITTED, text


def test_a_feature_that_carries_targets_of_validation_rows_is_caught(monkeypatch):
    def answers(frame, feature):
        return np.concatenate([noise_targets("binary", TRAIN, 0)[0][:, 0], np.zeros(TEST)])

    monkeypatch.setitem(
        OPERATORS, "answers", Operator("transductive", ("key",), "number", answers, "{0}", "answers(x)")
    )
    assert deviations("answers(x)", "binary", 1)[0] > 2 * SIGMAS


@pytest.mark.parametrize("text", SUPERVISED)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), problem=st.sampled_from(PROBLEMS))
def test_a_rows_own_target_never_moves_its_feature(text, seed, problem):
    of_row, _ = moved(text, seed, problem if text in OF_CLASSES else "regression")
    assert of_row < 1e-9


def test_that_check_can_fail_and_targets_do_move_other_rows(leaking):
    assert moved("naive_mean(guest)", 1, "binary")[0] > 0.01
    of_row, of_others = moved("target_mean(city)", 1, "binary")
    assert of_row < 1e-9 < 0.001 < of_others


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


@pytest.mark.parametrize(
    "problem", ["binary", *(pytest.param(p, marks=pytest.mark.slow) for p in PROBLEMS if p != "binary")]
)
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
