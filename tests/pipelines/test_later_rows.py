"""Features of rows that came after a run: looked up in the statistics of its rows, which stay as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from medalist.pipelines.features.later_rows import StoreWithLater
from medalist.pipelines.features.store import FeatureStore

TRAIN = pd.DataFrame(
    {
        "x": [1.0, 2.0, 3.0, np.nan],
        "z": [0.5, 1.5, 2.5, 9.0],
        "shop": ["b", "d", "b", "d"],
        "note": ["red car", "blue car", "red bus", "blue bus"],
        "cabin": ["B/1", "D/2", "B/3", "D/4"],
        "day": ["2020-01-03", "2020-01-05", "2020-01-04", "2020-01-09"],
    }
)
TEST = TRAIN.assign(x=[5.0, 6.0, 7.0, 8.0])
LATER = pd.DataFrame(
    {
        "x": [2.0, 100.0],
        "z": [1.0, -50.0],
        "shop": ["b", "a"],
        "note": ["red car", "green tram"],
        "cabin": ["D/2", "A/2"],
        "day": ["2020-01-01", "2020-01-04"],
    }
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureStore, StoreWithLater]:
    folder = tmp_path_factory.mktemp("stores")
    own = FeatureStore.create(folder / "own", "own", TRAIN, TEST)
    return own, StoreWithLater.beside(folder / "later", own, (TRAIN, TEST, LATER, None), {})


def test_holidays_keep_their_numbers(tmp_path: Path) -> None:
    rows = pd.DataFrame({"day": ["2023-12-25", "2023-12-26", "2023-01-01"], "land": ["Italy"] * 3})
    later = pd.DataFrame({"day": ["2019-12-26", "2019-05-01"], "land": ["Italy", "Norway"]})
    own = FeatureStore.create(tmp_path / "own", "own", rows, rows[:1])
    both = StoreWithLater.beside(tmp_path / "later", own, (rows, rows[:1], later, None), {})
    before, now = (values(store, "which_holiday(day, land)")[:, 0] for store in (own, both))
    assert (now[:4] == before).all()
    assert now[4] == before[1]
    assert now[5] not in before


def values(store: FeatureStore, text: str) -> np.ndarray:
    block = store.block(text)
    return np.asarray(block.todense() if sparse.issparse(block) else block)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(shop)", [4, 0]),
        ("mean(x) by shop", [4.0, np.nan]),
        ("sum(x) by shop", [16.0, 0.0]),
        ("max(x) by shop", [7.0, np.nan]),
        ("distinct(note) by shop", [2, 0]),
        ("code(shop)", [0, 2]),
        ("part(cabin, 0)", [1, 2]),
        ("elapsed(day)", [-2, 1]),
        ("rank(x)", [2 / 7, 7.5 / 7]),
        ("rank(x) by shop", [1.5 / 4, np.nan]),
        ("bin(x, 2)", [0, 1]),
        ("x + z", [3.0, 50.0]),
    ],
)
def test_a_later_row_is_looked_up(
    stores: tuple[FeatureStore, StoreWithLater], text: str, expected: list[float]
) -> None:
    own, both = stores
    now = values(both, text)
    np.testing.assert_array_equal(now[:8], values(own, text))
    np.testing.assert_allclose(now[8:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "tfidf(note)", "char_tfidf(note)", "svd(tfidf(note), 2)", "similarity(cabin, note)", "pca(x, z, 1)",
        "kmeans(x, z, 2)", "kmeans_distance(x, z, 2)", "labels(note)", "shop × cabin", "count(code(shop))",
        "lag(x, day, 1) by shop", "position(day) by shop", "frequent_labels(note, 2)",
    ],
)  # fmt: skip
def test_rows_of_the_run_keep_their_values(stores: tuple[FeatureStore, StoreWithLater], text: str) -> None:
    own, both = stores
    before, now = values(own, text), values(both, text)
    assert now.shape == (10, before.shape[1])
    np.testing.assert_array_equal(now[:8], before)


@pytest.mark.parametrize("text", ["tfidf(note)", "svd(tfidf(note), 2)", "pca(x, z, 1)", "kmeans_distance(x, z, 2)"])
def test_a_later_row_that_equals_one_of_the_run_gets_its_value(tmp_path: Path, text: str) -> None:
    own = FeatureStore.create(tmp_path / "own", "own", TRAIN, TEST)
    twice = pd.concat([LATER.iloc[1:], TRAIN.iloc[:2]], ignore_index=True)
    both = StoreWithLater.beside(tmp_path / "later", own, (TRAIN, TEST, twice, None), {})
    np.testing.assert_allclose(values(both, text)[9:], values(own, text)[:2], rtol=1e-5, atol=1e-6)
