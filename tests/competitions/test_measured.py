"""Several targets that are measured on some rows only: the task, its metric and its folds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from little import little_competition

from medalist.competitions.errors import MetricError, TaskError
from medalist.competitions.folds.make import make_folds
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.task.infer import infer_task

N = 300
MCRMSE = "Submissions are evaluated on the mean column-wise root mean squared error."


def soils(shares=(0.8, 0.5, 0.3), metric=MCRMSE, edit=lambda train: train):
    """Three targets of N rows, the k-th measured on a share of them, and at least one on each row."""
    rng = np.random.default_rng(1)
    train = pd.DataFrame({"plot": range(N), "x": rng.normal(size=N)})
    for k, (name, share) in enumerate(zip(("ph", "clay", "sand"), shares, strict=True)):
        values = train["x"] * (k + 1) + rng.normal(size=N)
        train[name] = values.where((rng.random(N) < share) | (np.arange(N) % 3 == k))
    test = pd.DataFrame({"plot": range(N, N + 20), "x": rng.normal(size=20)})
    sample = test[["plot"]].assign(ph=0.0, clay=0.0, sand=0.0)
    return little_competition(edit(train), test, sample, metric)


def test_targets_are_encoded_where_they_are_measured_and_a_note_says_on_how_many_rows():
    competition = soils()
    task = infer_task(competition)
    y = task.encode(competition.train)
    assert (np.isnan(y) == competition.train[["ph", "clay", "sand"]].isna().to_numpy()).all()
    counts = competition.train[["ph", "clay", "sand"]].notna().sum()
    note = next(n for n in task.notes if "measured" in n)
    assert all(f"{name} in {count}" in note for name, count in counts.items())


def test_where_all_is_measured_nothing_is_said_of_it():
    competition = soils((1.0, 1.0, 1.0))
    assert not any("measured" in note for note in infer_task(competition).notes)


def test_a_target_of_few_rows_is_announced_as_a_constant():
    competition = soils(edit=lambda t: t.assign(sand=t["sand"].where(t.index.isin(t["sand"].dropna().index[:5]))))
    assert any(note.startswith("sand is measured in 5 rows") for note in infer_task(competition).notes)


def test_labels_are_encoded_where_they_are_known():
    competition = soils(
        metric="Evaluated on the mean column-wise AUC.",
        edit=lambda t: t.assign(
            **{c: (t[c] > 0).map({True: "yes", False: "no"}).where(t[c].notna()) for c in t.columns[2:]}
        ),
    )
    task = infer_task(competition)
    y = task.encode(competition.train)
    assert (task.problem_type, task.metric, task.classes) == ("binary", "mean_auc", ("no", "yes"))
    assert (np.isnan(y) == competition.train[["ph", "clay", "sand"]].isna().to_numpy()).all()


def test_a_target_that_no_row_has_is_refused_and_the_others_alone_are_a_task():
    competition = soils(edit=lambda t: t.assign(sand=np.nan))
    with pytest.raises(TaskError, match="'sand' is measured in none of 300 training rows"):
        infer_task(competition)


def test_the_end_of_a_file_that_was_cut_short_is_not_taken_for_a_gap():
    competition = soils((1.0, 1.0, 1.0), edit=lambda t: t.assign(sand=t["sand"].where(t.index < N - 1)))
    with pytest.raises(TaskError, match="cut short"):
        infer_task(competition)


def test_a_single_target_has_no_gaps():
    competition = soils()
    alone = little_competition(competition.train, competition.test, competition.sample[["plot", "ph"]], "RMSE")
    with pytest.raises(TaskError, match="missing in"):
        infer_task(alone)


def test_a_metric_of_all_targets_at_once_is_refused_and_the_means_over_targets_that_it_names_work(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("def spread(y_true, y_pred):\n    return abs(y_true - y_pred).max()\n")
    with pytest.raises(TaskError, match=r"takes all targets at once.*--metric mean_rmse"):
        infer_task(soils(), metric=f"{file}:spread")
    assert infer_task(soils(), metric="mean_rmse").metric == "mean_rmse"
    complete = soils(edit=lambda t: t.dropna().reset_index(drop=True))
    assert infer_task(complete, metric=f"{file}:spread").metric.endswith("spread")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["mean_rmse", "mean_mae", "mean_r2", "mean_mse"]))
def test_a_score_is_the_mean_of_the_targets_scores_on_the_rows_that_have_them(seed, name):
    rng = np.random.default_rng(seed)
    y, p = rng.normal(size=(2, 40, 3))
    y[rng.random(y.shape) < 0.5] = np.nan
    y[:2] = rng.normal(size=(2, 3))
    metric = get_metric(name, 3)
    rows = ~np.isnan(y)
    each = [metric.of_one_target().score(y[rows[:, t], t], p[rows[:, t], t]) for t in range(3)]
    assert metric.score(y, p) == pytest.approx(np.mean(each))
    constants = [metric.of_one_target().best_constant(y[rows[:, t], t])[0] for t in range(3)]
    assert metric.best_constant(y) == pytest.approx(constants)


def test_a_target_that_none_of_the_rows_has_does_not_count_and_without_any_there_is_no_score():
    y = np.column_stack([[0.0, 2.0], [np.nan, np.nan]])
    metric = get_metric("mean_rmse", 2)
    assert metric.score(y, np.ones((2, 2))) == pytest.approx(1.0)
    with pytest.raises(MetricError):
        metric.score(np.full((2, 2), np.nan), np.ones((2, 2)))
    with pytest.raises(MetricError, match="missing"):
        get_metric("rmse").score(np.array([1.0, np.nan]), np.ones(2))


@pytest.mark.parametrize("scheme", ["random", "stratified"])
def test_the_rows_of_each_target_are_spread_evenly_over_the_folds(scheme):
    competition = soils()
    y = infer_task(competition).encode(competition.train)
    rounded = np.sign(y) if scheme == "stratified" else y
    folds = make_folds(FoldPlan(scheme, 5), competition.train, rounded)
    for t in range(3):
        counts = [int((~np.isnan(y[valid, t])).sum()) for _, valid in folds.splits]
        assert max(counts) - min(counts) <= 6
