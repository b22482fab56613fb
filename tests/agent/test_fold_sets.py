"""Sets of folds, room for children, kept predictions, and the hash that computed columns are kept under."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.agent.folds import FoldSet, first_fold
from medalist.agent.records.predictions import Predictions
from medalist.agent.run_data import data_hash
from medalist.agent.workers.local import Workers
from medalist.pipelines.fitting.evaluation import Evaluation


def fold_set(*starts: int, rows_each: int = 10, **options) -> FoldSet:
    """Folds that hold out rows in a row, each from its start on; a row's target is its number."""
    held_out = [np.arange(start, start + rows_each) for start in starts]
    rows = np.unique(np.concatenate(held_out))
    positions = tuple(np.searchsorted(rows, held) for held in held_out)
    y = rows[:, None].astype(float)
    blocks = np.zeros(len(rows), int)
    return FoldSet(Path("f"), positions, rows, first_fold(positions, len(rows)), blocks, y, None, **options)


def test_some_folds_of_a_set_keep_their_rows():
    whole = replace(fold_set(100, 110, 120), weights=np.arange(30.0), groups=np.arange(30) // 2)
    part = whole.subset([0, 2])
    assert part.rows.tolist() == [*range(100, 110), *range(120, 130)]
    assert [part.rows[p].tolist() for p in part.positions] == [[*range(100, 110)], [*range(120, 130)]]
    assert part.y[part.positions[1], 0].tolist() == list(range(120, 130))
    assert part.weights.tolist() == [*range(10), *range(20, 30)]
    assert part.groups.tolist() == [*np.repeat(range(5), 2), *np.repeat(range(10, 15), 2)]
    assert part.fold_of_row.tolist() == [0] * 10 + [1] * 10
    assert whole.subset([0, 1, 2]) is whole


def test_of_repeated_folds_a_row_belongs_to_the_first_that_holds_it_out():
    assert fold_set(0, 10, 5).fold_of_row.tolist() == [0] * 10 + [1] * 10
    assert fold_set(5, 0, 10).fold_of_row.tolist() == [1] * 5 + [0] * 10 + [2] * 5


def test_folds_that_hold_out_the_same_rows_are_not_new():
    search = fold_set(100, 110, 120)
    assert fold_set(90, 100, 110).mostly_equals(search)
    assert fold_set(90, 100).mostly_equals(fold_set(100, 110))
    assert not fold_set(95, 105, 115).mostly_equals(search)
    assert not fold_set(80, 90, 100).mostly_equals(search)


def test_rows_of_a_forecast_are_correlated_within_folds():
    random, forecast = fold_set(0, 10), fold_set(0, 10, forecast=True)
    assert random.clusters is None
    assert random.selection_groups is None
    assert forecast.clusters.tolist() == forecast.selection_groups.tolist() == [0] * 10 + [1] * 10
    groups = np.arange(10)
    assert fold_set(0, forecast=True, groups=groups).selection_groups is groups  # one fold cannot be split by folds


def test_large_jobs_get_fewer_children_with_more_threads():
    workers = Workers(8)
    limit = workers.memory_limit
    workers.fit_to_memory(limit / 2)
    assert (workers.count, workers.threads) == (8, 1)
    workers.fit_to_memory(3 * limit)
    assert (workers.count, workers.threads) == (2, 4)
    workers = Workers(8)
    workers.fit_to_memory(1e15)
    assert (workers.count, workers.threads) == (1, 8)


@pytest.mark.parametrize("rows", [10, 50_000])
def test_kept_predictions_are_read_again_and_large_ones_stay_on_disk(tmp_path, rows):
    rng = np.random.default_rng(0)
    made = Evaluation(rng.normal(size=(rows, 3)), rng.normal(size=(7, 3)), np.ones((5, 1)), 1.5, 0.5, {"x": 1.0}, 0.1)
    predictions = Predictions.create(tmp_path)
    predictions.keep(3, made)
    read = predictions.load(3)
    assert (read.oof == made.oof).all()
    assert (read.test == made.test).all()
    assert (read.oof.dtype, read.importance, read.patience_share) == (np.float64, {"x": 1.0}, 0.1)
    assert read.oof.flags.writeable == (rows == 10)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_kept_predictions_hold_no_file_open(tmp_path):
    predictions = Predictions.create(tmp_path)
    made = Evaluation(np.ones((40_000, 1)), np.ones((7, 1)), np.ones((5, 1)), 1.5, 0.5, {}, 0.1)
    predictions.keep(0, made)
    before = len(list(Path("/proc/self/fd").iterdir()))
    read = [predictions.load(0) for _ in range(20)]
    assert all(float(r.oof.mean() + r.test.mean()) == 2.0 for r in read)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_computed_columns_are_those_of_the_same_data():
    train = pd.DataFrame({"x": [1.5, 2.5], "s": ["a", "b"]})
    orders = pd.DataFrame({"s": ["a", "b"] * 50_000, "amount": np.arange(100_000.0)})

    def hashed(train=train, **tables):
        return data_hash("abc", train, train, tables)

    assert hashed(orders=orders) == hashed(orders=orders.copy())
    others = [
        hashed(),
        hashed(o=orders),
        hashed(orders=orders.assign(amount=orders["amount"].where(orders.index != 77, -1.0))),
        hashed(orders=orders[:-1]),
        hashed(orders=orders.rename(columns={"s": "t"})),
        hashed(orders=orders[:0]),
        hashed(train[["x"]], orders=orders),
        hashed(train.astype({"x": "float32"}), orders=orders),
        data_hash("abd", train, train, {"orders": orders}),
    ]
    assert len({hashed(orders=orders), *others}) == len(others) + 1


def test_predictions_of_each_folds_model_are_kept_where_there_are_any(tmp_path):
    predictions = Predictions.create(tmp_path)
    tests = [np.full((3, 1), k / 10) for k in range(5)]
    assert predictions.keep_fold_tests(7, tests)
    with np.load(predictions.fold_tests_path(7)) as kept:
        assert all(kept[f"test_{k}"] == pytest.approx(tests[k]) for k in range(5))
    assert not predictions.keep_fold_tests(8, [])
    assert not predictions.fold_tests_path(8).exists()
