"""Scores of labels from confusion tables, and the thresholds that are searched with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.metrics.confusion import confusion_tables
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.decisions.thresholds import class_factors, cut_points, threshold

NAMES = ["accuracy", "error_rate", "micro_f1", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc", "qwk"]


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.integers(2, 5), st.integers(0, 9999))
def test_a_table_scores_as_its_rows_do(name, classes, seed):
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(0, classes, (2, 30)).astype(float)
    metric = get_metric(name)
    score = metric.confusion(confusion_tables(y, predicted, classes))
    assert (score if metric.greater_is_better else 1 - score) == pytest.approx(metric.score(y, predicted))


@pytest.mark.parametrize("name", ["f1", "fbeta@2", "mean_f1"])
def test_tables_of_two_classes(name):
    y, predicted = np.random.default_rng(0).integers(0, 2, (2, 50)).astype(float)
    assert get_metric(name).confusion(confusion_tables(y, predicted, 2)) == pytest.approx(
        get_metric(name).score(y, predicted)
    )


def test_tables_of_groups_add_up():
    rng = np.random.default_rng(1)
    y, predicted = rng.integers(0, 3, (2, 90))
    groups = confusion_tables(y, predicted, 3, rng.integers(0, 4, 90))
    assert groups.shape == (4, 3, 3)
    assert (groups.sum(axis=0) == confusion_tables(y, predicted, 3)).all()


def test_metrics_of_more_than_counts_have_no_tables():
    assert get_metric("auc").confusion is None
    assert get_metric("map@3").confusion is None


def test_rare_classes_are_raised_where_all_classes_count_alike():
    rng = np.random.default_rng(2)
    shares = np.array([0.9, 0.07, 0.03])
    y = rng.choice(3, 3000, p=shares).astype(float)
    p = rng.dirichlet(np.ones(3), 3000) + np.eye(3)[y.astype(int)]
    p = p * shares / (p * shares).sum(axis=1, keepdims=True)
    factors = class_factors(get_metric("balanced_accuracy"), y, p)
    assert factors[2] > factors[1] > factors[0]


def test_labels_are_decided_by_a_metric_that_is_no_function_of_tables(tmp_path):
    file = tmp_path / "custom.py"
    file.write_text("needs = 'label'\n\n\ndef score(y, p):\n    return float((y == p).mean() - 0.2 * p.mean())\n")
    rng = np.random.default_rng(3)
    p = rng.random(1000)
    y = (rng.random(1000) < p).astype(float)
    metric = get_metric(f"{file}:score")
    assert threshold(metric, y, p) > 0.55  # predicting a positive costs
    assert (np.diff(cut_points(metric, 2 * y, 2 * p, 3)) >= 0).all()
    factors = class_factors(metric, y, np.column_stack([1 - p, p]))
    assert factors[1] < factors[0]


@pytest.mark.parametrize("seed", range(5))
def test_cut_points_ascend_and_score_more_than_halves(seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(5, 800, p=[0.05, 0.2, 0.4, 0.3, 0.05]).astype(float)
    p = 2 + 0.4 * (y - 2) + rng.normal(0, 0.4, 800)
    cuts = cut_points(get_metric("qwk"), y, p, 5)
    halves = np.arange(4) + 0.5
    scores = [get_metric("qwk").score(y, np.searchsorted(c, p, side="right").astype(float)) for c in (cuts, halves)]
    assert (np.diff(cuts) >= 0).all()
    assert scores[0] > scores[1] + 0.05
