"""Metrics that look at columns of the data: means over groups, weights by evidence, a person's own with columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import MetricError, TaskError
from medalist.competitions.metrics.by_column import row_values
from medalist.competitions.metrics.registry import canonical_name, get_metric
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task
from tests.competitions.little import little_competition

ROWS = 240


def task_of(sentence: str, *, binary: bool = False, metric: str | None = None, in_test: bool = True) -> Task:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({
        "row": np.arange(ROWS), "time_id": rng.integers(0, 15, ROWS), "week": rng.integers(0, 9, ROWS),
        "user_id": [f"u{k}" for k in rng.integers(0, 30, ROWS)], "store": rng.choice(list("abcd"), ROWS),
        "x": rng.normal(size=ROWS), "Item_Weight": rng.uniform(1, 9, ROWS), "weight": rng.uniform(1, 3, ROWS),
    })  # fmt: skip
    y = frame["x"] + rng.normal(size=ROWS)
    frame["y"] = (y > 0).astype(int) if binary else y
    train, test = frame[:180], frame[180:].drop(columns="y").reset_index(drop=True)
    test = test if in_test else test.drop(columns="weight")
    sample = test[["row"]].assign(y=0.5)
    return infer_task(little_competition(train, test, sample, f"# Evaluation\n\n{sentence}"), metric=metric)


@pytest.mark.parametrize(
    ("sentence", "metric"),
    [
        ("Submissions are evaluated on the mean of the Pearson correlation for each time ID.", "pearson by time_id"),
        ("Submissions are evaluated by the RMSE computed for each store and averaged across stores.", "rmse by store"),
        ("Submissions are scored by the average weekly Spearman correlation.", "spearman by week"),
        ("We compute the MAE of every user, and the score is evaluated as their average.", "mae by user_id"),
        ("Submissions are evaluated by the root mean squared error.", "rmse"),
        ("Submissions are evaluated by the mean absolute error of each row.", "mae"),
        ("Submissions are evaluated by the RMSE, averaged over the public and private part.", "rmse"),
        ("Submissions are evaluated by the R², where stores are of four kinds.", "r2"),
    ],
)  # fmt: skip
def test_means_over_groups_are_read(sentence: str, metric: str) -> None:
    task = task_of(sentence)
    assert task.metric == metric
    assert any("metric:" in note and "task.yaml" in note for note in task.notes) == (" by " in metric)


def test_areas_by_group_are_read() -> None:
    assert task_of("Submissions are evaluated by the mean AUC per user.", binary=True).metric == "auc by user_id"


@pytest.mark.parametrize(
    ("sentence", "in_test", "weights"),
    [
        ("Submissions are evaluated on the weighted mean absolute error (WMAE).", False, "weight"),
        ("Submissions are evaluated on the weighted mean absolute error (WMAE).", True, None),
        ("Submissions are evaluated on the WMAE; the weights are in the column weight.", True, "weight"),
        ("Submissions are evaluated on the WMAE; the weights are Item_Weight.", True, "Item_Weight"),
        ("Submissions are evaluated on the sample weighted zero-mean R-squared score (R²).", False, "weight"),
    ],
)
def test_a_weight_of_things_is_an_input_and_not_a_weight_of_rows(
    sentence: str, in_test: bool, weights: str | None
) -> None:
    assert task_of(sentence, in_test=in_test).weights == weights


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**20))
def test_the_mean_over_groups_is_that_of_pandas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"g": rng.choice(["a", "b", "c"], 60), "y": rng.normal(size=60), "p": rng.normal(size=60)})
    expected = frame.groupby("g").apply(lambda part: part["y"].corr(part["p"]), include_groups=False).mean()
    metric = get_metric("Pearson by g")
    assert metric.name == canonical_name("pearson by g") == "pearson by g"
    order = rng.permutation(60)
    score = metric.score(frame["y"].to_numpy()[order], frame["p"].to_numpy()[order], row_values(frame, ["g"])[order])
    assert score == pytest.approx(expected)


def test_groups_of_one_class_do_not_count_in_an_area() -> None:
    metric, rows = get_metric("auc by g"), np.array([[0.0], [0], [1], [1]])
    assert metric.score(np.array([0, 1, 1, 1]), np.array([0.2, 0.9, 0.1, 0.3]), rows) == 1
    with pytest.raises(MetricError, match="not defined within any g"):
        metric.score(np.ones(4), np.full(4, 0.5), rows)
    with pytest.raises(MetricError, match="needs g of each of the 4 rows"):
        metric.score(np.array([0, 1, 0, 1]), np.full(4, 0.5))


def test_r2_about_zero_weighs_rows() -> None:
    y, p, w = np.array([1.0, -2, 3]), np.array([1.0, -1, 1]), np.array([1.0, 2, 0.5])
    assert get_metric("weighted_zero_mean_r2").score(y, p, w) == pytest.approx(1 - (2 + 2) / (1 + 8 + 4.5))


def test_values_of_columns_are_numbers() -> None:
    times = pd.to_datetime(["1970-01-02", None, "1970-01-01"])
    table = pd.DataFrame({"n": [1.5, np.nan, 2], "day": times, "word": ["b", "a", None]})
    expected = [[1.5, 86400, 1], [np.nan, np.nan, 0], [2, 0, np.nan]]
    np.testing.assert_array_equal(row_values(table, ["n", "day", "word"]), expected)
    with pytest.raises(MetricError, match="'era', which is not there"):
        row_values(table, ["n", "era"])


def test_a_metric_of_ones_own_may_name_columns(tmp_path: Path) -> None:
    source = """
import numpy as np
greater_is_better = False
def worst(y, p, rows):
    errors, users = np.abs(y - p), rows["user_id"]
    return max(np.average(errors[users == u], weights=rows["weight"][users == u]) for u in np.unique(users))
worst.columns = ["user_id", "weight"]
def odd(y, p):
    return 0.0
odd.columns = 3
"""
    (tmp_path / "own.py").write_text(source, encoding="utf-8")
    task = task_of("", metric=f"{tmp_path / 'own.py'}:worst")
    metric = task.scorer()
    rows = np.array([[0, 1], [0, 3], [1, 1.0]])
    assert metric.score(np.array([1.0, 1, 1]), np.array([2.0, 3, 2]), rows) == pytest.approx(7 / 4)
    with pytest.raises(MetricError, match="columns is 3"):
        get_metric(f"{tmp_path / 'own.py'}:odd")
    (tmp_path / "own.py").write_text(source.replace("user_id", "era"), encoding="utf-8")
    with pytest.raises(TaskError, match="'era', which train lacks"):
        task_of("", metric=f"{tmp_path / 'own.py'}:worst")
    with pytest.raises(TaskError, match="'era', which train lacks"):
        task_of("", metric="rmse by era")
    with pytest.raises(MetricError, match=r"file\.py:function"):
        get_metric("wmae by era")
