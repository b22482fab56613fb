"""A sample of a large table keeps the rows of a key together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.schema import Schema, schema_of
from medalist.pipelines.features.search import sampling
from medalist.pipelines.features.search.sampling import Sample
from medalist.pipelines.features.search.whole_keys import rows_of_whole_keys
from medalist.pipelines.features.store import FeatureStore

MOST = 3000  # rows of the sample


class Rows:
    """Rows of train as a source of raw columns."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.n_train, self.n_rows = frame, len(frame), len(frame)

    def column(self, name: str) -> pd.Series:
        return self.frame[name]

    def table(self, name: str) -> pd.DataFrame:
        raise AssertionError(name)


def rows_of(frame: pd.DataFrame, most: int = MOST, schema: Schema | None = None) -> np.ndarray | None:
    return rows_of_whole_keys(Rows(frame), schema or schema_of(frame, []), most, np.random.default_rng(0))


@given(st.integers(50, 1000), st.integers(0, 2**32 - 1), st.floats(0, 0.5))
def test_all_rows_of_a_value_are_in_or_out(customers: int, seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"who": rng.integers(0, customers, 6000).astype(str), "town": rng.choice(["a", "b"], 6000)})
    frame.loc[rng.random(6000) < missing, "who"] = None
    kept = rows_of(frame)
    assert kept is not None
    assert 0.8 * MOST <= len(kept) <= MOST
    assert (np.diff(kept) > 0).all()
    inside = frame["who"].iloc[kept].dropna()
    assert frame["who"].isin(inside.unique()).sum() == len(inside)


def test_a_key_has_two_rows_a_value_whatever_is_missing() -> None:
    who = pd.Series([f"c{i}" for i in range(2000)] * 2 + [None] * 2000)
    kept = rows_of(pd.DataFrame({"who": who}))
    assert kept is not None
    assert 0.8 * MOST <= len(kept) <= MOST
    who[0] = None  # still 2000 values, now of 3999 rows
    assert rows_of(pd.DataFrame({"who": who})) is None  # a sample of rows says as much


def test_without_a_key_there_is_none() -> None:
    rng = np.random.default_rng(0)
    once = pd.DataFrame({"id": [f"k{i}" for i in range(6000)], "x": rng.normal(size=6000)})
    few = pd.DataFrame({"town": rng.choice(["a", "b", "c"], 6000), "x": rng.normal(size=6000)})
    assert rows_of(once) is None  # a sample of rows says as much
    assert rows_of(few) is None  # each has more rows than fit
    codes = pd.DataFrame({"who": rng.integers(0, 1500, 6000), "age": rng.integers(0, 90, 6000)})
    kept = rows_of(codes)
    assert kept is not None
    assert codes["who"].isin(codes["who"].iloc[kept]).sum() == len(kept)


def test_what_rows_of_a_key_say_of_each_other_is_in_the_sample_what_it_is_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    n = 30_000
    frame = pd.DataFrame({"who": [f"c{i}" for i in rng.integers(0, 3000, n) ** 2 // 3000], "x": rng.normal(size=n)})
    store = FeatureStore.create(tmp_path, "f", frame[:-10], frame[-10:].reset_index(drop=True))
    counts = frame.groupby("who")["x"].transform("size").to_numpy()
    y = rng.normal(size=(n - 10, 1))
    monkeypatch.setattr(sampling, "FRAME_ROWS", MOST)
    sample = Sample(store, np.arange(n - 10), y, y, schema=schema_of(frame, []))
    assert 0.8 * MOST <= len(sample) <= MOST
    rows = sample.frame.rows
    assert rows is not None
    counted = sample.frame.number(parse("count(who)"))[sample.positions]
    assert counted.tolist() == counts[rows[sample.positions]].tolist()
    assert np.array_equal(sample.target[:, 0], y[rows[sample.positions], 0])
