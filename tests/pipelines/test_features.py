"""The feature store: what it computes, keeps on disk, shares and throws out; and the feature sets to start from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.columns.cards import Kind, describe_columns
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.base_sets import base_features, encodings, room_for_encodings
from medalist.pipelines.features.blocks import EVICT_TO
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Column, feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.store import FeatureStore

TRAIN, ROWS = 200, 300


def table(n: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "city": pd.array(rng.choice(["Oslo", "Rome", "Lima", None], n), dtype="str"),
            "price": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "when": pd.Series(pd.date_range("2021-03-01 05:00", periods=n, freq="7h")).astype(str),
            "flag": rng.choice([True, False], n),
            "words": [f"some words {i % 7} and {'more ' * (i % 3)}" for i in range(n)],
            "odd name": rng.integers(0, 5, n),
            "cabin": [f"{'ABC'[i % 3]}/{i}/{'PS'[i % 2]}" for i in range(n)],
        }
    )


def create(folder: Path, **options: Any) -> FeatureStore:
    frame = table()
    return FeatureStore.create(folder, "abc", frame.iloc[:TRAIN], frame.iloc[TRAIN:], **options)


def again(store: FeatureStore) -> FeatureStore:
    """The same store as another process opens it: nothing is in memory."""
    return FeatureStore(store.folder, store.fingerprint, store.n_train, store.limit)


def blocks_of(folder: Path) -> set[Path]:
    return {p for p in folder.iterdir() if p.suffix in (".npy", ".npz")}


def no_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whatever is computed, and not read from disk, is an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(Frame, "value", refuse)
    monkeypatch.setattr(Frame, "compute_key", refuse)


def target(seed: int = 0, rows: int = 100) -> Target:
    rng = np.random.default_rng(seed)
    return Target(np.sort(rng.permutation(TRAIN)[:rows]), rng.normal(size=(rows, 1)), 0, 0)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return create(tmp_path)


# what it computes


def test_blocks_hold_what_operators_say(store):
    frame = table()
    assert store.block("number(price)")[:, 0] == pytest.approx(frame["price"].astype("float32"), nan_ok=True)
    counts = frame["city"].value_counts(dropna=False)
    assert store.block("count(city)")[:, 0].tolist() == frame["city"].map(dict(counts.items())).tolist()
    dates = pd.to_datetime(frame["when"])
    for part in ("year", "month", "day", "hour"):
        assert (store.block(f"{part}(when)")[:, 0] == getattr(dates.dt, part)).all()
    assert store.block("elapsed(when)")[1, 0] == pytest.approx(7 / 24)
    assert set(np.unique(store.block("code(city)")[~frame["city"].isna()])) == {0, 1, 2}
    assert np.isnan(store.block("code(city)")[frame["city"].isna()]).all()
    assert store.block("part_number(cabin, 1)")[:, 0].tolist() == list(range(300))
    within = frame["price"] - frame.groupby("odd name")["price"].transform("mean")
    assert store.block("price - mean(price) by `odd name`")[:, 0] == pytest.approx(within, nan_ok=True, abs=1e-6)
    assert store.block("svd(tfidf(words), 3)").shape == (ROWS, 3)
    assert store.block("tfidf(words)").shape[0] == ROWS
    assert store.block("number(price)").dtype == np.float32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count(nowhere)", "no column 'nowhere'"),
        ("exec(city)", "Unknown operator 'exec'"),
        ("target_mean(city)", "fitted within the fold only"),
        ("mean(nowhere.x) by city", "no further table 'nowhere'"),
    ],
)
def test_what_cannot_be_computed_is_refused(store, text, message):
    with pytest.raises(PipelineError, match=message):
        store.block(text)
    assert not blocks_of(store.folder) - {store.path("key\ncity")}


def test_matrices_hold_the_asked_rows(store):
    fit, held, test = np.arange(0, 200, 2), np.arange(1, 200, 2), np.arange(200, 300)
    features = ("number(price)", "code(city)", "target_mean(city)", "tfidf(words)", "svd(tfidf(words), 4)")
    matrices = store.matrices(features, fit, np.ones((100, 1)), [held, test], classes=0, seed=0)
    assert [len(m) for m in matrices] == [100, 100, 100]
    assert matrices[0].names[:4] == ("number(price)", "code(city)", "target_mean(city)", "svd(tfidf(words), 4)[0]")
    assert matrices[0].categorical == (1,)
    assert matrices[2].dense[:, 0] == pytest.approx(table()["price"][200:].astype("float32"), nan_ok=True)
    assert matrices[1].sparse.shape == (100, store.block("tfidf(words)").shape[1])


def test_target_means_of_classes_are_shares(tmp_path):
    frame = pd.DataFrame({"k": ["a"] * 50 + ["b"] * 50 + ["a"]})
    store = FeatureStore.create(tmp_path, "x", frame[:100], frame[100:])
    y = np.array([0.0] * 50 + [2.0] * 50)[:, None]
    (fitted, test) = store.matrices(("target_mean(k)",), np.arange(100), y, [np.array([100])], classes=3, seed=0)
    assert fitted.dense.shape == (100, 3)
    assert fitted.dense.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert test.dense[0, 0] > 0.8


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(2, 400))
def test_target_means_of_noise_say_nothing_of_the_rows_they_were_fitted_on(tmp_path_factory, seed, levels):
    rng = np.random.default_rng(seed)
    frame, y = pd.DataFrame({"k": rng.integers(0, levels, 1500)}), rng.normal(size=(1000, 1))
    store = FeatureStore.create(tmp_path_factory.mktemp("noise"), "x", frame[:1000], frame[1000:])
    encoded = store.block("target_mean(k)", Target(np.arange(1000), y, 0, seed))
    # what leaked would agree with the targets; means of the others lean to the other side of a small level
    assert -0.3 < np.corrcoef(encoded[:1000, 0], y[:, 0])[0, 1] < 0.15


# what it keeps


def test_blocks_are_kept_on_disk_and_found_by_others(store, monkeypatch):
    first = store.block("count(city)")
    assert store.has("count(city)")
    assert not store.has("count(cabin)")
    store.raw.path.unlink()  # a kept block needs no raw data
    no_computing(monkeypatch)
    assert (again(store).block("count(city)") == first).all()
    assert FeatureStore(store.folder, "other", TRAIN).path("count(city)") != store.path("count(city)")


def test_equal_features_share_a_block(store, monkeypatch):
    store.block("number(price) + `odd name`")
    store.block("mean(price) by city, `odd name`")
    kept = blocks_of(store.folder)
    no_computing(monkeypatch)
    for text in ("`odd name` + price", "price + number(`odd name`)"):
        assert again(store).block(text) == pytest.approx(store.block(str(parse(text))), nan_ok=True)
        assert store.has(text)
    again(store).block("mean(price) by `odd name` × city")
    assert blocks_of(store.folder) == kept


def test_blocks_of_the_target_are_kept_for_the_rows_and_target_they_were_fitted_on(store, monkeypatch):
    text = "target_mean(city)"
    one, two = target(0), target(1)
    other_seed = Target(one.fit, one.y, 0, 1)
    result = {t.token: np.array(store.block(text, t)) for t in (one, two, other_seed)}
    assert len(result) == 3
    assert all((result[a.token] != result[b.token]).any() for a, b in ((one, two), (one, other_seed)))
    assert store.has(text, two)
    assert not store.has(text)
    assert not store.has(text, target(2))
    no_computing(monkeypatch)
    same = Target(one.fit.copy(), one.y.copy(), 0, 0)
    assert (again(store).block(text, same) == result[one.token]).all()
    assert (store.block(text, two) == result[two.token]).all()  # and memory does not mix them up
    with pytest.raises(AssertionError, match="computed again"):
        store.block(text, target(2))


def test_an_expression_around_a_target_mean_is_kept_fold_by_fold_too(store):
    text = "price - target_mean(city)"
    one, two = target(0), target(1)
    difference = store.block(text, one) - store.block(text, two)
    means = store.block("target_mean(city)", two) - store.block("target_mean(city)", one)
    present = ~np.isnan(difference)
    assert difference[present] == pytest.approx(means[present], abs=1e-5)
    assert np.abs(difference[present]).max() > 0


def test_keys_are_kept_on_disk(store, monkeypatch):
    store.prepare(("target_mean(city)", "target_mean(cabin × city)", "number(price)"))
    assert not store.has("target_mean(city)")
    assert store.has("number(price)")
    nodes = [Column("city"), feature("cross", "cabin", "city"), Column("cabin")]
    keys = [store.frame.key(node) for node in nodes]
    assert keys[0].size == 4
    assert keys[0].missing == 3
    no_computing(monkeypatch)
    for node, key in zip(nodes, keys, strict=True):
        kept = again(store).frame.key(node)
        assert (kept.codes == key.codes).all()
        assert kept.codes.dtype == np.int64
        assert (kept.size, kept.missing) == (key.size, key.missing)


def test_further_tables_are_kept_and_joined(tmp_path):
    rng = np.random.default_rng(0)
    orders = pd.DataFrame({"city": rng.choice(["Oslo", "Rome"], 50), "amount": rng.normal(size=50), "mixed": 1})
    orders["mixed"] = orders["mixed"].astype(object).where(orders.index != 3, "three")
    store = create(tmp_path, tables={"orders": orders, "a/b odd": orders[:3]})
    expected = table()["city"].map(orders.groupby("city")["amount"].mean())
    for opened in (store, again(store)):
        result = opened.block("mean(orders.amount) by city")[:, 0]
        assert result == pytest.approx(expected.to_numpy(float), nan_ok=True, abs=1e-6)
        assert len(opened.table("a/b odd")) == 3
        assert opened.table("orders")["mixed"].iloc[3] == "three"
    with pytest.raises(PipelineError, match="no further table 'sales'"):
        store.table("sales")
    written = store.raw.table_path("orders").stat().st_mtime_ns
    assert create(tmp_path, tables={"orders": orders}).raw.table_path("orders").stat().st_mtime_ns == written


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from medalist.pipelines.features.store import FeatureStore

def die(stream, value):
    stream.write(b"half of it")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)

store = FeatureStore(Path(sys.argv[1]), "abc", 200)
store.block("number(price)")
np.save = die
store.block("count(city)")
"""


def test_a_kill_in_the_middle_of_a_write_leaves_nothing_half_written(store):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(store.folder)], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert store.has("number(price)")
    assert not store.has("count(city)")
    counts = table()["city"].value_counts(dropna=False)
    assert store.block("count(city)")[:, 0].tolist() == table()["city"].map(dict(counts.items())).tolist()


def test_a_failed_write_leaves_nothing(store, monkeypatch):
    def full(stream: BinaryIO, value: object) -> None:
        stream.write(b"half of it")
        raise OSError(28, "No space left on device")

    before = set(store.folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        assert store.block("number(price)").shape == (ROWS, 1)  # computed all the same, and not stored
    assert set(store.folder.iterdir()) == before
    assert not store.has("number(price)")
    another = FeatureStore(store.folder, "abc", TRAIN)
    assert np.array_equal(another.block("number(price)"), store.block("number(price)"), equal_nan=True)
    assert another.has("number(price)")


def test_beyond_the_limit_what_was_not_used_for_longest_goes_first(tmp_path):
    store = create(tmp_path, tables={"orders": table(10)})
    texts = [f"mod(`odd name`, {k})" for k in range(2, 12)]
    for text in texts:
        store.block(text)
    size = store.path(texts[0]).stat().st_size
    for i, text in enumerate(texts):
        os.utime(store.path(text), (1000.0 + i, 1000.0 + i))
    small = FeatureStore(store.folder, "abc", TRAIN, limit=6 * size)
    used = small.block(texts[0])  # read again: now the latest
    small.block("mod(`odd name`, 12)")
    left = {t for t in [*texts, "mod(`odd name`, 12)"] if small.has(t)}
    assert left == {texts[0], "mod(`odd name`, 12)", *texts[-2:]}
    assert sum(p.stat().st_size for p in blocks_of(store.folder)) <= EVICT_TO * small.limit
    assert store.raw.path.exists()
    assert store.raw.table_path("orders").exists()
    assert (store.block(texts[1]) == table()[["odd name"]] % 3).all(axis=None)  # still mapped by who had it
    assert (again(store).block(texts[1]) == store.block(texts[1])).all()  # and computed anew by others
    assert len(used) == ROWS


def test_below_the_limit_nothing_goes(tmp_path):
    store = create(tmp_path)
    for k in range(2, 7):
        store.block(f"mod(`odd name`, {k})")
    kept = blocks_of(store.folder)
    FeatureStore(store.folder, "abc", TRAIN, limit=sum(p.stat().st_size for p in kept)).blocks.tidy()
    assert blocks_of(store.folder) == kept


# sets to start from


def test_sets_use_every_column():
    frame = table(2000)
    cards = describe_columns(frame.iloc[:1500], frame.iloc[1500:])
    for wants in ("trees", "linear"):
        features = base_features(cards, wants, 1500)
        for column in ("city", "price", "when", "flag", "words", "odd name", "cabin"):
            assert any(column in f for f in features), (wants, column)
        for text in features:
            assert str(parse(text)) == text


def test_dates_written_as_whole_numbers_are_dates(tmp_path):
    """As one number of 32 bits half of the days would be others."""
    days = pd.date_range("2017-01-01", periods=400).strftime("%Y%m%d").astype(int)
    frame = pd.DataFrame({"day": np.tile(days, 3)})
    cards = describe_columns(frame.iloc[:900], frame.iloc[900:])
    features = base_features(cards, "trees", 900)
    assert {"month(day)", "weekday(day)", "elapsed(day)"} <= set(features)
    store = FeatureStore.create(tmp_path, "days", frame.iloc[:900], frame.iloc[900:])
    values = np.column_stack([store.block(f)[:, 0] for f in features])
    assert len(np.unique(values, axis=0)) == 400


def test_encodings_are_of_columns_whose_values_come_again():
    frame = table(2000)
    cards = describe_columns(frame.iloc[:1500], frame.iloc[1500:])
    result = [text for encoding in encodings(cards, 1500) for text in encoding.features]
    for text in result:
        assert str(parse(text)) == text
        assert parse(text).op in ("target_mean", "count")
    assert {"target_mean(city)", "count(city)", "target_mean(flag)"} <= set(result)
    columns = {c for text in result for c in parse(text).columns}
    assert not columns & {c.name for c in cards if c.kind in (Kind.DATE, Kind.TEXT)}
    repeated = {c.name for c in cards if c.distinct < 0.7 * 1500}
    assert all(c in repeated or any(card.name == c and card.kind is Kind.KEY for card in cards) for c in columns)


def test_encodings_of_many_classes_are_of_fewer_columns_and_categories_come_first():
    frame = pd.DataFrame({f"n{i}": np.arange(1000) % (40 + i) for i in range(20)} | {"town": list("abcde") * 200})
    made = encodings(describe_columns(frame.iloc[:800], frame.iloc[800:]), 800)
    assert len(made) == 21
    assert made[0].features == ("target_mean(town)", "count(town)")
    assert all(encoding.numeric for encoding in made[1:])
    assert (room_for_encodings(1), room_for_encodings(29)) == (150, 10)  # ten, each with 29 means and a frequency


def test_a_set_is_never_empty():
    frame = pd.DataFrame({"only": [f"k{i:04d}" for i in range(400)]})
    cards = describe_columns(frame.iloc[:300], frame.iloc[300:])
    assert base_features(cards, "trees", 300) == ("count(only)",)


def test_a_column_comes_back_as_it_was(tmp_path):
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3, 4], dtype="Int64"),
            "sort": pd.Categorical(list("xyxy")),
            "when": pd.date_range("2020-01-01", periods=4, tz="UTC"),
            "text": ["u", None, "w", "x"],
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "x": [1.5, np.nan, 2, 3],
        }
    )
    store = FeatureStore.create(tmp_path, "f", frame[:3], frame[3:])
    for name in frame:
        assert store.column(name).dtype.kind == frame[name].dtype.kind
        pd.testing.assert_series_equal(store.column(name).astype(frame[name].dtype), frame[name])
    with pytest.raises(PipelineError, match="the columns are whole, sort"):
        store.column("other")
