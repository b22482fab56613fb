"""Decisions fitted on out-of-fold predictions."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions import thresholds as labels
from medalist.pipelines.decisions.cross_fitting import decide, fit_decision
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.decisions.gain_test import gain
from medalist.pipelines.decisions.options import MAX_SEARCHED_CLASSES
from medalist.pipelines.ensembling.loss import smooth_loss
from medalist.pipelines.problem import Problem

REGRESSION = Problem("regression", 1, 0, "l2", False)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def problem(kind: str, classes: int = 0) -> Problem:
    return Problem(kind, 1, classes, "l2", False)


def test_a_rare_class_gets_a_lower_threshold_for_f1():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 8, (8000, 1))
    y = (rng.random((8000, 1)) < p).astype(float)
    metric = get_metric("f1")
    decided, decision = decide(metric, problem("binary", 2), y, p, np.arange(8000) % 5)
    assert decision.numbers[0] < 0.4
    assert metric.score(y, decided) > metric.score(y, (p >= 0.5).astype(float)) + 0.1


def test_cutpoints_follow_the_scale():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 5, (3000, 1)).astype(float)
    p = 2 + 0.3 * (y - 2) + rng.normal(0, 0.15, y.shape)  # shrunk towards the middle, as regression does
    metric = get_metric("qwk")
    decided, decision = decide(metric, problem("ordinal", 5), y, p, np.arange(3000) % 5)
    assert metric.score(y, decided) > metric.score(y, np.rint(p)) + 0.1
    assert list(decision.numbers) == sorted(decision.numbers)


def test_balanced_accuracy_weighs_classes_up():
    rng = np.random.default_rng(2)
    y = rng.choice(3, (4000, 1), p=[0.9, 0.07, 0.03]).astype(float)
    p = rng.dirichlet(np.ones(3), 4000) + 0.5 * np.array([0.9, 0.07, 0.03]) + 0.3 * np.eye(3)[y[:, 0].astype(int)]
    p /= p.sum(axis=1, keepdims=True)
    metric = get_metric("balanced_accuracy")
    decided, _ = decide(metric, problem("multiclass", 3), y, p, np.arange(4000) % 5)
    assert metric.score(y, decided) > metric.score(y, p.argmax(axis=1)[:, None].astype(float))


def test_a_fold_is_not_decided_by_its_own_answers():
    rng = np.random.default_rng(3)
    p = rng.beta(1, 8, (2000, 1))
    y = (rng.random(p.shape) < p).astype(float)
    metric, what, folds = get_metric("f1"), problem("binary", 2), np.arange(2000) % 4
    held = folds == 0
    changed = y.copy()
    changed[held] = rng.permutation(y[held])
    expected = fit_decision(metric, what, y[~held], p[~held]).apply(p[held])
    assert (expected != (p[held] >= 0.5)).any()
    for answers in (y, changed):
        decided, decision = decide(metric, what, answers, p, folds)
        assert decision != plain_decision(metric, what, answers)
        assert (decided[held] == expected).all()


@settings(deadline=None)
@given(seed=st.integers(0, 999), name=st.sampled_from(["accuracy", "f1", "mcc", "balanced_accuracy"]))
def test_crosswise_deciding_never_scores_below_the_plain_decision(seed, name):
    rng = np.random.default_rng(seed)
    p = rng.random((120, 1))
    y = (rng.random((120, 1)) < p**2).astype(float)
    y[:2] = [[0], [1]]
    metric, kind = get_metric(name), problem("binary", 2)
    decided, _ = decide(metric, kind, y, p, np.arange(120) % 3)
    assert not metric.better(metric.score(y, plain_decision(metric, kind, y).apply(p)), metric.score(y, decided))


def test_values_stay_within_the_training_range():
    y = np.array([[1.0], [4.0]])
    decision = plain_decision(get_metric("rmse"), problem("regression"), y)
    assert decision.apply(np.array([[-3.0], [2.0], [9.0]])).tolist() == [[1], [2], [4]]


def test_probabilities_of_classes_sum_to_one():
    decision = Decision("probabilities", (1e-7, 1 - 1e-7, 1.0))
    assert decision.apply(np.array([[0.0, 0.5, 0.2]])).sum() == pytest.approx(1)


def test_each_ordinal_target_has_its_cutpoints():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 4, (1500, 2)).astype(float)
    p = np.column_stack([0.4 * y[:, 0], 3 - 0.4 * (3 - y[:, 1])]) + rng.normal(0, 0.1, y.shape)
    metric = get_metric("qwk", 2)
    two = Problem("ordinal", 2, 4, "l2", False)
    decided, decision = decide(metric, two, y, p, np.arange(1500) % 5)
    assert decided.shape == (1500, 2)
    assert len(decision.numbers) == 6
    assert metric.score(y, decided) > 0.9


def test_limits_of_values_are_by_target_and_of_all_rows():
    y = np.array([[1.0, 10.0], [4.0, 40.0]])
    training = np.vstack([y, [[9.0, 20.0]]])
    two = Problem("regression", 2, 0, "l2", False)
    decided, _ = decide(
        get_metric("rmse", 2), two, y, np.array([[99.0, 0.0], [7.0, 99.0]]), np.arange(2), targets=training
    )
    assert decided.tolist() == [[9, 10], [7, 40]]


def test_many_classes_are_not_searched_one_by_one():
    rng = np.random.default_rng(6)
    p = rng.dirichlet(np.ones(50), 500)
    y = rng.integers(0, 50, (500, 1)).astype(float)
    _, decision = decide(get_metric("macro_f1"), problem("multiclass", 50), y, p, np.arange(500) % 5)
    assert set(decision.numbers) == {1.0}


def test_rare_ones_of_many_classes_are_raised_together():
    rng = np.random.default_rng(7)
    shares = 1 / np.arange(1, 41)
    shares /= shares.sum()
    y = rng.choice(40, (6000, 1), p=shares).astype(float)
    z = np.log(shares) + 2 * np.eye(40)[y[:, 0].astype(int)] + rng.normal(size=(6000, 40))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    metric = get_metric("balanced_accuracy")
    decided, decision = decide(metric, problem("multiclass", 40), y, p, np.arange(6000) % 5)
    assert metric.score(y, decided) > metric.score(y, p.argmax(axis=1)[:, None].astype(float)) + 0.1
    assert decision.numbers[39] > decision.numbers[0]


@pytest.mark.parametrize("classes", [10, 30])
def test_all_classes_of_a_sorted_file_are_used(classes, monkeypatch):
    rng = np.random.default_rng(8)
    y = np.sort(rng.integers(0, classes, 4000)).astype(float)
    z = 2 * np.eye(classes)[y.astype(int)] + rng.normal(size=(4000, classes))
    z[:, -1] -= 1.5  # predicted too seldom
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    monkeypatch.setattr(labels, "POWER_PROBABILITIES", 3000 * classes)
    monkeypatch.setattr(labels, "GENERIC_ROWS", 3000)
    metric = get_metric("balanced_accuracy")
    metric = metric if classes > 20 else replace(metric, confusion=None)
    sorted_, shuffled = (
        labels.class_factors(metric, y[o], p[o], one_by_one=classes <= 20)
        for o in (np.arange(4000), rng.permutation(4000))
    )
    assert np.abs(np.log(sorted_ / shuffled)).max() < 0.5


def test_the_threshold_of_a_very_rare_class_is_found():
    rng = np.random.default_rng(8)
    y = (rng.random((20_000, 1)) < 0.004).astype(float)
    p = sigmoid(-8 + 5 * y + rng.normal(size=y.shape))
    metric = get_metric("f1")
    decided, decision = decide(metric, problem("binary", 2), y, p, np.arange(20_000) % 5)
    assert 0.001 < decision.numbers[0] < 0.2
    assert metric.score(y, decided) > metric.score(y, (p >= 0.5).astype(float)) + 0.2


def test_values_of_a_later_time_may_leave_the_training_range_but_not_fall_below_zero():
    y, folds = np.linspace(10, 20, 50)[:, None], np.arange(50) % 5
    p = np.tile([[-99.0], [5.0], [25.0], [99.0], [15.0]], (10, 1))
    ahead = replace(REGRESSION, ahead=True)
    later, decision = decide(get_metric("rmse"), ahead, y, p, folds, enabled=False)
    assert later[:5, 0].tolist() == [0, 5, 25, 30, 15]
    assert decision == plain_decision(get_metric("rmse"), ahead, y)
    assert smooth_loss(get_metric("rmse"), ahead, y, y * 0 + 25) > smooth_loss(get_metric("rmse"), ahead, y, y * 0 + 20)
    below = plain_decision(get_metric("rmse"), ahead, y - 12)
    assert below.apply(p)[:5, 0].tolist() == pytest.approx([-12, 5, 18, 18, 15])


def test_recurring_values_are_rounded_to():
    rng = np.random.default_rng(7)
    y = rng.choice([3.0, 10.0, 11.5, 40.0], (2000, 1))
    p = y + rng.normal(0, 0.6, y.shape)
    decided, decision = decide(get_metric("mae"), REGRESSION, y, p, np.arange(2000) % 5)
    assert decision == Decision("nearest", (3.0, 10.0, 11.5, 40.0))
    assert np.abs(decided - y).mean() < 0.6 * np.abs(p - y).mean()


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True), st.integers(0, 999))
def test_rounding_never_leaves_the_values_and_takes_the_nearest(values, seed):
    values = np.sort(values)
    p = np.random.default_rng(seed).uniform(-2e6, 2e6, (50, 1))
    decided = Decision("nearest", tuple(values)).apply(p)
    assert np.isin(decided, values).all()
    assert np.abs(decided - p)[:, 0] == pytest.approx(np.abs(p - values).min(axis=1))


def test_too_many_values_are_not_rounded_to():
    rng = np.random.default_rng(8)
    y = rng.permutation(np.repeat(np.arange(5001) / 7, 3))[:, None]
    _, decision = decide(get_metric("mae"), REGRESSION, y, y + rng.normal(0, 1e-3, y.shape), np.arange(len(y)) % 5)
    assert decision.kind == "values"


def test_counts_are_rounded_to_whole_numbers():
    rng = np.random.default_rng(9)
    y = rng.permutation(20_000)[:3000, None].astype(float)
    decided, decision = decide(get_metric("mae"), REGRESSION, y, y + rng.normal(0, 0.2, y.shape), np.arange(3000) % 5)
    assert decision.kind == "whole"
    assert not (decided % 1).any()


@pytest.mark.parametrize(("name", "kind"), [("rmse", "line"), ("mae", "log_line"), ("smape", "log_line")])
def test_values_that_are_off_by_a_factor_are_corrected(name, kind):
    rng = np.random.default_rng(10)
    truth = np.exp(rng.normal(3, 0.7, (1500, 1)))
    y = truth * np.exp(rng.normal(0, 0.05, truth.shape))
    metric = get_metric(name)
    decided, decision = decide(metric, REGRESSION, y, 0.8 * truth, np.arange(1500) % 5)
    assert decision.kind == kind
    assert metric.score(y, decided) < 0.5 * metric.score(y, 0.8 * truth)


def test_a_level_that_was_off_in_two_folds_is_left_alone():
    rng = np.random.default_rng(11)
    y = rng.normal(100, 10, (1000, 1)) + rng.random((1000, 1))
    assert decide(get_metric("rmse"), REGRESSION, y, 0.8 * y, np.arange(1000) % 2)[1].kind == "values"
    assert decide(get_metric("rmse"), REGRESSION, y, 0.8 * y, np.arange(1000) % 3)[1].kind == "line"


def test_a_line_has_to_gain_in_most_folds():
    rng = np.random.default_rng(12)
    folds = np.arange(1500) % 3
    p = rng.normal(50, 10, (1500, 1))
    y = p + np.array([9.0, -2.0, -2.0])[folds][:, None] + rng.normal(0, 1, p.shape)  # each fold is off in its own way
    assert decide(get_metric("rmse"), REGRESSION, y, p, folds)[1].kind == "values"


@pytest.mark.parametrize("name", ["logloss", "brier", "balanced_logloss"])
def test_underconfident_probabilities_are_calibrated(name):
    rng = np.random.default_rng(13)
    z = rng.normal(-1, 2, (3000, 1))
    y = (rng.random(z.shape) < sigmoid(z)).astype(float)
    metric, p = get_metric(name), sigmoid(0.4 * z)
    decided, decision = decide(metric, problem("binary", 2), y, p, np.arange(3000) % 5)
    assert decision.kind == "beta"
    assert metric.score(y, decided) < 0.95 * metric.score(y, p)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 9999))
def test_calibration_keeps_order(seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(*rng.uniform(0.3, 3, 2), (300, 1))
    y = (rng.random(p.shape) < rng.choice([p, 1 - p, 0.5 * p])).astype(float)
    decision = fit_decision(get_metric("logloss"), problem("binary", 2), y, p)
    ordered = decision.apply(np.sort(p, axis=0))[:, 0]
    assert decision.kind == "beta"
    assert (np.diff(ordered) >= -1e-12).all()
    assert 0 < ordered.min() <= ordered.max() < 1


def test_overconfident_classes_are_cooled_and_keep_their_order():
    rng = np.random.default_rng(14)
    z = rng.normal(0, 1, (3000, 4))
    y = np.argmax(z + rng.gumbel(size=z.shape), axis=1)[:, None].astype(float)
    p = np.exp(3 * z) / np.exp(3 * z).sum(axis=1, keepdims=True)
    metric = get_metric("mlogloss")
    decided, decision = decide(metric, problem("multiclass", 4), y, p, np.arange(3000) % 5)
    assert decision.kind == "temperature"
    assert not any(decision.numbers[1:])  # shifts do not gain
    assert decision.numbers[0] == pytest.approx(1 / 3, abs=0.05)
    assert metric.score(y, decided) < 0.8 * metric.score(y, p)
    assert decided.sum(axis=1) == pytest.approx(np.ones(3000))
    assert (decided.argsort(axis=1) == p.argsort(axis=1)).all()


def test_classes_that_are_predicted_too_seldom_are_shifted():
    rng = np.random.default_rng(15)
    z = rng.normal([0, 0, 1.5], 1, (4000, 3))
    y = np.argmax(z + rng.gumbel(size=z.shape), axis=1)[:, None].astype(float)
    p = np.exp(z - [0, 0, 1.5])
    p /= p.sum(axis=1, keepdims=True)
    _, decision = decide(get_metric("mlogloss"), problem("multiclass", 3), y, p, np.arange(4000) % 5)
    shifts = np.array(decision.numbers[1:])
    assert shifts[2] - shifts[:2] == pytest.approx([1.5, 1.5], abs=0.25)


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_rankings_are_not_calibrated(name):
    rng = np.random.default_rng(16)
    z = rng.normal(0, 2, (500, 1))
    y = (rng.random(z.shape) < sigmoid(z)).astype(float)
    assert (
        decide(get_metric(name), problem("binary", 2), y, sigmoid(3 * z), np.arange(500) % 5)[1].kind == "probabilities"
    )


FITTED = [("f1", "binary"), ("mcc", "binary"), ("qwk", "ordinal"), ("macro_f1", "multiclass"), ("logloss", "binary"),
          ("mlogloss", "multiclass"), ("mae", "regression"), ("rmsle", "regression")]  # fmt: skip


def predictions(kind: str, seed: int, n: int = 600):
    """Targets (n, 1), predictions that are calibrated, and the number of classes."""
    rng = np.random.default_rng(seed)
    if kind == "multiclass":
        p = rng.dirichlet([2.0, 1.0, 0.7], n)
        return (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)[:, None].astype(float), p, 3
    if kind == "binary":
        p = rng.beta(2, 3, (n, 1))
        return (rng.random(p.shape) < p).astype(float), p, 2
    if kind == "ordinal":
        y = rng.integers(0, 5, (n, 1)).astype(float)
        return y, y + rng.normal(0, 0.3, y.shape), 5
    p = np.exp(rng.normal(3, 1, (n, 1)))
    return p * np.exp(rng.normal(0, 0.3, p.shape)), p, 0


@pytest.mark.parametrize(("name", "kind"), FITTED)
def test_a_disabled_decision_is_the_plain_one(name, kind):
    y, p, classes = predictions(kind, 0)
    metric, what = get_metric(name), problem(kind, classes)
    crooked = np.abs(p) ** 1.4
    crooked = crooked / crooked.sum(axis=1, keepdims=True) if kind == "multiclass" else crooked
    plain = plain_decision(metric, what, y)
    decided, decision = decide(metric, what, y, crooked, np.arange(len(y)) % 5, enabled=False)
    assert decision == plain
    assert (decided == plain.apply(crooked)).all()


@pytest.mark.parametrize(("name", "kind"), FITTED)
def test_a_decision_survives_json(name, kind):
    y, p, classes = predictions(kind, 1)
    decision = fit_decision(get_metric(name), problem(kind, classes), y, p)
    stored = json.loads(json.dumps({"kind": decision.kind, "numbers": list(decision.numbers)}))
    again = Decision(stored["kind"], tuple(stored["numbers"]))
    assert again == decision
    assert (again.apply(p) == decision.apply(p)).all()
    assert decision != plain_decision(get_metric(name), problem(kind, classes), y)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("accuracy", "binary"), ("accuracy", "multiclass"), ("logloss", "binary"), ("mlogloss", "multiclass"),
     ("rmsle", "regression"), ("mae", "regression")],
)  # fmt: skip
def test_predictions_that_are_right_are_left_as_they_are(name, kind):
    """Where nothing is to be corrected, what is fitted is noise: at most one time in five it may get through."""
    metric, plain = get_metric(name), 0
    for seed in range(25):
        y, p, classes = predictions(kind, 100 + seed)
        what = problem(kind, classes)
        folds = np.random.default_rng(seed).integers(0, 5, len(y))
        plain += decide(metric, what, y, p, folds)[1] == plain_decision(metric, what, y)
    assert plain >= 20


def test_a_gain_within_its_noise_is_none():
    rng = np.random.default_rng(17)
    y = rng.normal(size=(1000, 1))
    one, other = (y + rng.normal(size=y.shape) for _ in range(2))
    better = y + 0.9 * (one - y)
    metric, folds = get_metric("rmse"), np.arange(1000) % 5
    assert gain(metric, REGRESSION, y, one, better, folds) == pytest.approx(0.1 * metric.score(y, one))
    assert gain(metric, REGRESSION, y, better, one, folds) == 0
    assert gain(metric, REGRESSION, y, one, other, folds, min_z=4.0) == 0


def test_the_noise_of_a_gain_is_that_of_whole_groups():
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(10), 200)
    y = np.zeros((2000, 1))
    one = np.ones((2000, 1))
    other = one + np.where(group == 0, -0.9, 0.05)[:, None] + 0.01 * rng.normal(size=one.shape)  # one group gains
    metric, folds = get_metric("mae"), np.arange(2000) % 5
    assert gain(metric, REGRESSION, y, one, other, folds) > 0
    assert gain(metric, REGRESSION, y, one, other, folds, blocks=group) == 0


def test_custom_metrics_of_values_get_the_plain_decision(tmp_path):
    file = tmp_path / "custom.py"
    file.write_text("def score(y, p):\n    return abs(y - p).max()\n")
    y, p, _ = predictions("regression", 3)
    metric = get_metric(f"{file}:score")
    assert decide(metric, REGRESSION, y, p, np.arange(len(y)) % 5)[1] == plain_decision(metric, REGRESSION, y)


def test_as_many_classes_as_are_searched_stay_fast():
    rng = np.random.default_rng(18)
    p = rng.dirichlet(np.ones(MAX_SEARCHED_CLASSES), 2000)
    y = rng.integers(0, MAX_SEARCHED_CLASSES, (2000, 1)).astype(float)
    decision = fit_decision(get_metric("macro_f1"), problem("multiclass", MAX_SEARCHED_CLASSES), y, p)
    assert len(decision.numbers) == MAX_SEARCHED_CLASSES
    assert min(decision.numbers) > 0


def test_each_of_several_targets_is_corrected_by_itself():
    rng = np.random.default_rng(19)
    z = rng.normal(0, 2, (2000, 2))
    y = (rng.random(z.shape) < sigmoid(z)).astype(float)
    two = Problem("binary", 2, 2, "logloss", False)
    _, decision = decide(get_metric("logloss", 2), two, y, sigmoid(z * [0.4, 2.5]), np.arange(2000) % 5)
    assert np.abs(decision.apply(sigmoid(z * [0.4, 2.5])) - sigmoid(z)).mean() < 0.02
    values = rng.normal(50, 9, (1000, 2))
    regression = Problem("regression", 2, 0, "l2", False)
    off = values * [0.5, 1.0] + [0.0, 20.0]
    decided, decision = decide(get_metric("rmse", 2), regression, values, off, np.arange(1000) % 5)
    assert np.array(decision.numbers).reshape(2, 4)[:, :2] == pytest.approx(np.array([[0, 2], [-20, 1]]), abs=0.01)
    assert decided == pytest.approx(values, abs=0.5)


@pytest.mark.parametrize("body", ["return float('nan')", "return -float('inf')", "raise SystemExit", "return None"])
@pytest.mark.parametrize(("needs", "kind"), [("label", "binary"), ("label", "ordinal"), ("label", "multiclass"),
                                             ("probability", "binary"), ("value", "regression")])  # fmt: skip
def test_a_custom_metric_without_a_value_gets_the_plain_decision(tmp_path, needs, kind, body):
    (tmp_path / "custom.py").write_text(f"needs = {needs!r}\n\n\ndef score(y, p):\n    {body}\n")
    metric = get_metric(f"{tmp_path / 'custom.py'}:score")
    y, p, classes = predictions(kind, 3, 200)
    what = problem(kind, classes)
    decided, decision = decide(metric, what, y, p, np.arange(200) % 4)
    assert decision == plain_decision(metric, what, y)
    assert (decided == decision.apply(p)).all()


def test_a_metric_that_is_not_defined_for_the_fit_on_all_rows_gets_the_plain_decision(tmp_path):
    """Defined for the fits of the folds, on 300 rows; on all 400 not for thresholds by which every row is positive."""
    function = (
        "needs = 'label'\n\n\ndef score(y, p):\n    if len(y) > {most} and p.min() == 1:\n        raise ValueError\n"
        "    return (p * (10 * y - 1)).mean()\n"
    )
    rng = np.random.default_rng(20)
    p = rng.beta(1, 5, (400, 1)).round(2)
    y = (rng.random(p.shape) < p).astype(float)
    decisions = {}
    for most in (350, 400):
        (tmp_path / f"custom{most}.py").write_text(function.format(most=most))
        metric = get_metric(f"{tmp_path / f'custom{most}.py'}:score")
        decisions[most] = decide(metric, problem("binary", 2), y, p, np.arange(400) % 4)
    assert decisions[400][1].numbers[0] < 0.3
    assert decisions[350][1] == plain_decision(metric, problem("binary", 2), y)
    assert (decisions[350][0] == (p >= 0.5)).all()
