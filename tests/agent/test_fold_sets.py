"""Parts of a set of folds, room for children, what is kept of experiments, and whose computed columns they are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.agent.ground import FoldSet, _of_data
from medalist.agent.records.outputs import Outputs
from medalist.agent.workers.local import Workers
from medalist.pipelines.fitting.evaluation import Evaluation


def test_some_folds_of_a_set_keep_their_rows():
    y = np.arange(30, dtype=float)[:, None]
    slots = (np.arange(0, 10), np.arange(10, 20), np.arange(20, 30))
    whole = FoldSet(Path("f"), slots, np.arange(100, 130), np.repeat([0, 1, 2], 10), np.zeros(30, int), y, y[:, 0])
    part = whole.subset([0, 2])
    assert part.rows.tolist() == [*range(100, 110), *range(120, 130)]
    assert [part.rows[s].tolist() for s in part.slots] == [[*range(100, 110)], [*range(120, 130)]]
    assert part.y[part.slots[1], 0].tolist() == list(range(20, 30))
    assert part.of_row.tolist() == [0] * 10 + [1] * 10
    assert whole.subset([0, 1, 2]) is whole


def test_folds_that_hold_out_the_same_rows_are_not_new():
    def folds(*starts):
        slots = tuple(np.arange(10 * k, 10 * k + 10) for k in range(len(starts)))
        rows = np.concatenate([np.arange(s, s + 10) for s in starts])
        y = rows[:, None].astype(float)
        return FoldSet(Path("f"), slots, rows, np.repeat(np.arange(len(starts)), 10), np.zeros(len(rows), int), y, None)

    search = folds(100, 110, 120)
    assert folds(90, 100, 110).known_to(search)
    assert folds(90, 100).known_to(folds(100, 110))
    assert not folds(95, 105, 115).known_to(search)
    assert not folds(80, 90, 100).known_to(search)


def test_large_jobs_get_fewer_children_with_more_threads():
    workers = Workers(8)
    limit = workers.memory_limit
    workers.make_room(limit / 2)
    assert (workers.count, workers.threads) == (8, 1)
    workers.make_room(3 * limit)
    assert (workers.count, workers.threads) == (2, 4)
    workers = Workers(8)
    workers.make_room(1e15)
    assert (workers.count, workers.threads) == (1, 8)


@pytest.mark.parametrize("rows", [10, 50_000])
def test_kept_predictions_are_read_again_and_large_ones_stay_on_disk(tmp_path, rows):
    rng = np.random.default_rng(0)
    made = Evaluation(rng.normal(size=(rows, 3)), rng.normal(size=(7, 3)), np.ones((5, 1)), 1.5, 0.5, {"x": 1.0}, 0.1)
    outputs = Outputs.create(tmp_path)
    outputs.keep(3, made)
    read = outputs.load(3)
    assert (read.oof == made.oof).all()
    assert (read.test == made.test).all()
    assert (read.oof.dtype, read.importance, read.patience_share) == (np.float64, {"x": 1.0}, 0.1)
    assert read.oof.flags.writeable == (rows == 10)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc")
def test_kept_predictions_hold_no_file_open(tmp_path):
    outputs = Outputs.create(tmp_path)
    made = Evaluation(np.ones((40_000, 1)), np.ones((7, 1)), np.ones((5, 1)), 1.5, 0.5, {}, 0.1)
    outputs.keep(0, made)
    before = len(list(Path("/proc/self/fd").iterdir()))
    read = [outputs.load(0) for _ in range(20)]
    assert all(float(r.oof.mean() + r.test.mean()) == 2.0 for r in read)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_computed_columns_are_those_of_the_same_data():
    train = pd.DataFrame({"x": [1.5, 2.5], "s": ["a", "b"]})
    orders = pd.DataFrame({"s": ["a", "b"] * 50_000, "amount": np.arange(100_000.0)})

    def told(train=train, **tables):
        return _of_data("abc", train, train, tables)

    assert told(orders=orders) == told(orders=orders.copy())
    changed = orders.assign(amount=orders["amount"].where(orders.index != 77, -1.0))
    others = [
        told(),
        told(o=orders),
        told(orders=changed),
        told(orders=orders[:-1]),
        told(orders=orders.rename(columns={"s": "t"})),
    ]
    others += [
        told(train[["x"]], orders=orders),
        told(train.astype({"x": "float32"}), orders=orders),
        told(orders=orders[:0]),
    ]
    assert len({told(orders=orders), *others}) == len(others) + 1
