"""Operators that look at many rows: keys, groups, sequences, spaces and further tables, against plain pandas."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.operators import spaces


@dataclass
class Table:
    """A source of raw columns in memory; the last fifth of the rows are test rows."""

    rows: pd.DataFrame
    further: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def n_rows(self):
        return len(self.rows)

    @property
    def n_train(self):
        return len(self.rows) - len(self.rows) // 5

    def column(self, name):
        return self.rows[name]

    def table(self, name):
        return self.further[name]


def value(text: str, rows: pd.DataFrame, target: Target | None = None, **further: pd.DataFrame) -> np.ndarray:
    return Frame(Table(rows, further), target=target).value(parse(text))


def same(actual, expected):
    assert np.asarray(actual, dtype=float) == pytest.approx(np.asarray(expected, dtype=float), nan_ok=True, abs=1e-9)


@st.composite
def tables(draw, least=1):
    """A number, two keys, a time with ties and gaps, a date and a second number."""
    n = draw(st.integers(least, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    x = rng.integers(-4, 5, n) / 2 + (1e6 if draw(st.booleans()) else 0)
    rows = pd.DataFrame(
        {
            "x": np.where(rng.random(n) < 0.2, np.nan, x),
            "z": rng.normal(size=n),
            "city": pd.array(rng.choice(["Oslo", "Rome", "Lima", None], n), dtype="str"),
            "shop": rng.choice([1.0, 2.0, np.nan], n),
            "time": rng.choice([0.0, 1.0, 1.5, 3.0, 4.0, 7.0, 9.0, 20.0], n),
            "y": rng.normal(size=n),
        }
    )
    rows["day"] = (pd.Timestamp("2024-02-27") + pd.to_timedelta(rows["time"], "D")).astype(str)
    return rows


RANDOMLY = settings(deadline=None)


def test_keys_are_numbered_counted_and_crossed():
    rows = pd.DataFrame({"a": ["x", None, "y", "x", "y"], "b": [1, 1, 2, 1, 3]})
    same(value("code(a)", rows), [0, np.nan, 1, 0, 1])
    same(value("count(a)", rows), [2, 1, 2, 2, 2])
    same(value("count(a × b)", rows), [2, 1, 1, 2, 1])
    crossed = value("a × b", rows)
    assert crossed[0] == crossed[3]
    assert len(set(crossed)) == 4


@RANDOMLY
@given(tables(5))
def test_a_cross_of_all_columns_numbers_the_different_rows(rows):
    actual = pd.Series(value(" × ".join(rows.columns), rows))
    same(actual.groupby(actual).transform("size"), rows.groupby(list(rows.columns), dropna=False).transform("size"))


@RANDOMLY
@given(tables(5), st.integers(2, 6))
def test_bins_hold_equal_shares_in_order(rows, count):
    actual = value(f"bin(z, {count})", rows)
    assert actual.min() == 0
    assert actual.max() == count - 1 if len(rows) >= 3 * count else actual.max() < count
    ordered = actual[np.argsort(rows["z"])]
    assert (np.diff(ordered) >= 0).all()
    sizes = np.bincount(actual.astype(int), minlength=count)
    assert sizes.max() - sizes.min() <= 2
    assert (np.isnan(value(f"bin(x, {count})", rows)) == rows["x"].isna()).all()


@RANDOMLY
@given(tables())
def test_group_statistics_are_those_of_pandas(rows):
    for keys in (["city"], ["city", "shop"]):
        groups = rows.groupby(keys, dropna=False)["x"]
        for name in ("mean", "std", "min", "max", "median"):
            same(value(f"{name}(x) by {', '.join(keys)}", rows), groups.transform(name))
        same(value(f"sum(x) by {', '.join(keys)}", rows), groups.transform("sum"))
        same(value(f"rank(x) by {', '.join(keys)}", rows), groups.rank(pct=True))
        different = rows.groupby(keys, dropna=False)["time"].transform("nunique")
        same(value(f"distinct(time) by {', '.join(keys)}", rows), different)
    same(value("rank(x)", rows), rows["x"].rank(pct=True))


@RANDOMLY
@given(tables(), st.sampled_from(["time", "day"]), st.sampled_from(["city", None]), st.integers(-3, 5))
def test_sequences_are_those_of_pandas(rows, order, key, k):
    by = f" by {key}" if key else ""
    ordered = rows.sort_values("time", kind="stable")
    groups = ordered.groupby(ordered[key].fillna("none") if key else np.zeros(len(rows)))
    same(value(f"lag(x, {order}, {k}){by}", rows), groups["x"].shift(k).sort_index())
    same(value(f"since_previous({order}){by}", rows), groups["time"].diff().sort_index())
    same(value(f"until_next({order}){by}", rows), -groups["time"].diff(-1).sort_index())
    same(value(f"position({order}){by}", rows), groups.cumcount().sort_index())
    window = abs(k) + 1
    for name in ("mean", "std", "min", "max"):
        expected = groups["x"].transform(lambda s, name=name: s.shift(1).rolling(window, min_periods=1).agg(name))
        actual = value(f"rolling_{name}(x, {order}, {window}){by}", rows)
        assert actual == pytest.approx(expected.sort_index().to_numpy(), nan_ok=True, abs=1e-4)  # pandas loses digits
    same(
        value(f"expanding_mean(x, {order}){by}", rows),
        groups["x"].transform(lambda s: s.shift(1).expanding(min_periods=1).mean()).sort_index(),
    )


def test_rolling_statistics_keep_their_digits():
    rows = pd.DataFrame({"x": [1e15, 1.0, 2.0, 4.0, 0.0], "t": range(5)})
    same(value("rolling_mean(x, t, 2)", rows)[3:], [1.5, 3.0])
    same(value("rolling_std(x, t, 3)", rows)[4:], [np.std([1, 2, 4], ddof=1)])


def test_a_row_without_a_time_comes_last_and_has_no_distance():
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "t": [np.nan, 5.0, 4.0]})
    same(value("position(t)", rows), [2, 1, 0])
    same(value("since_previous(t)", rows), [np.nan, 1, np.nan])
    same(value("until_next(t)", rows), [np.nan, np.nan, 1])


def test_whole_numbers_that_are_dates_are_days_apart():
    rows = pd.DataFrame({"t": [20240301, 20240228, 20240105]})
    same(value("since_previous(t)", rows), [2, 54, np.nan])


@RANDOMLY
@given(
    tables(5),
    st.sampled_from(["time", "day"]),
    st.sampled_from(["city", None]),
    st.sampled_from([0, 1, 2.5]),
    st.sampled_from([None, 3, 8.5]),
    st.integers(0, 99),
)
def test_lagged_targets_are_means_of_earlier_rows(rows, order, key, horizon, window, seed):
    fit = np.sort(np.random.default_rng(seed).permutation(len(rows))[: len(rows) // 2])
    rows.loc[rows.index[::7], ["time", "day"]] = np.nan
    time, y = rows["time"].to_numpy(), rows["y"].to_numpy()
    group = rows[key].fillna("none").to_numpy() if key else np.zeros(len(rows))
    expected = np.full(len(rows), np.nan)
    for i in range(len(rows)):
        seen = [
            y[j]
            for j in fit
            if group[j] == group[i]
            and time[j] < time[i]
            and horizon <= time[i] - time[j] <= (np.inf if window is None else window)
        ]
        expected[i] = np.mean(seen) if seen else np.nan
    text = f"target_lag({order}, {horizon}{'' if window is None else f', {window}'}){f' by {key}' if key else ''}"
    same(value(text, rows, Target(fit, y[fit, None], 0, 0))[:, 0], expected)


def test_lagged_targets_of_classes_are_shares():
    rows = pd.DataFrame({"t": [1, 2, 3, 4]})
    actual = value("target_lag(t, 0)", rows, Target(np.arange(3), np.array([[0], [2], [2]]), 3, 0))
    same(actual[1:], [[1, 0, 0], [0.5, 0, 0.5], [1 / 3, 0, 2 / 3]])


def test_a_lag_into_the_future_is_refused():
    rows = pd.DataFrame({"t": [1, 2]})
    for text in ("target_lag(t, -1)", "target_lag(t, 3, 2)"):
        with pytest.raises(PipelineError, match="no earlier row"):
            value(text, rows, Target(np.arange(2), np.zeros((2, 1)), 0, 0))


def blobs(n=300, seed=0):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 3, n)
    a, b = (
        np.array([0, 10, 0])[cluster] + rng.normal(size=n),
        1000 * (np.array([0, 0, 10])[cluster] + rng.normal(size=n)),
    )
    return pd.DataFrame({"a": np.where(rng.random(n) < 0.01, np.nan, a), "b": b, "flat": 7.0}), cluster


def standardised(rows, names):
    filled = rows[names].fillna(rows[names].median())
    return ((filled - filled.mean()) / filled.std(ddof=0)).to_numpy()


def test_components_are_those_of_the_standardised_numbers():
    rows, _ = blobs()
    actual = value("pca(a, b, flat, 2)", rows)
    points = standardised(rows, ["a", "b"])
    _, spread, axes = np.linalg.svd(points, full_matrices=False)
    same(np.abs(actual), np.abs(points @ axes.T))
    assert actual.std(axis=0) == pytest.approx(spread / np.sqrt(len(rows)))
    assert value("pca(a, b, 5)", rows).shape == (300, 2)


def test_clusters_are_found_and_distances_lead_to_the_nearest():
    rows, cluster = blobs()
    frame = Frame(Table(rows))
    actual = frame.value(parse("kmeans(a, b, 3)"))
    assert pd.crosstab(actual, cluster).max().sum() > 0.97 * len(rows)
    distances = frame.value(parse("kmeans_distance(a, b, 3)"))
    assert (distances.argmin(axis=1) == actual).all()
    centres = np.stack([standardised(rows, ["a", "b"])[actual == k].mean(axis=0) for k in range(3)])
    expected = np.linalg.norm(standardised(rows, ["a", "b"])[:, None] - centres, axis=2)
    assert distances == pytest.approx(expected, abs=0.1)
    assert value("kmeans_distance(flat, 5)", rows).shape == (300, 1)  # no more clusters than different points


def test_neighbours_give_the_mean_target_of_the_nearest_rows():
    rows, _ = blobs()
    y = np.random.default_rng(1).normal(size=(200, 2))
    target = Target(np.arange(200), y, 0, 3)
    actual = value("target_neighbours(a, b, flat, 4)", rows, target)
    points, inner = standardised(rows, ["a", "b"]), target.inner()
    for i in range(0, 300, 7):
        others = np.flatnonzero(inner != inner[i]) if i < 200 else np.arange(200)
        near = others[np.argsort(np.linalg.norm(points[others] - points[i], axis=1))[:4]]
        same(actual[i], y[near].mean(axis=0))


def test_neighbours_at_one_point_count_together():
    rows = pd.DataFrame({"a": [0.0] * 50 + [1.0] * 50 + [0.1]})
    y = np.random.default_rng(1).normal(size=(100, 1))
    target = Target(np.arange(100), y, 0, 0)
    same(value("target_neighbours(a, 5)", rows, target)[100], [y[:50].mean()])
    same(value("target_neighbours(a, 60)", rows, target)[100], [y.mean()])
    same(value("target_neighbours(a, 500)", rows, target)[100], [y.mean()])


def test_neighbours_among_very_many_rows_are_looked_for_in_a_draw(monkeypatch):
    monkeypatch.setattr(spaces, "SEARCHED", 50)
    rows, cluster = blobs()
    y = (cluster[:200, None] == 1).astype(float)
    actual = value("target_neighbours(a, b, 3)", rows, Target(np.arange(200), y, 0, 0))[:, 0]
    assert np.corrcoef(actual, cluster == 1)[0, 1] > 0.95


@RANDOMLY
@given(tables(2), tables(1), st.booleans())
def test_aggregates_of_further_tables_are_those_of_pandas(rows, orders, two_keys):
    keys = ["city", "shop"] if two_keys else ["city"]
    orders["word"] = np.where(orders["x"].isna(), None, "w" + orders["x"].astype(str))
    complete = orders.dropna(subset=keys)
    groups = complete.groupby(keys)
    joined = {
        **{name: getattr(groups["x"], name)() for name in ("mean", "std", "min", "max", "median", "count", "sum")},
        "distinct": groups["word"].nunique(),
        "value": groups["x"].nth(0).set_axis(pd.MultiIndex.from_frame(complete.loc[groups["x"].nth(0).index, keys]))
        if two_keys
        else groups["x"].nth(0).set_axis(complete.loc[groups["x"].nth(0).index, "city"]),
    }
    for name, expected in joined.items():
        column = "word" if name in ("count", "distinct") else "x"
        actual = value(f"{name}(orders.{column}) by {', '.join(keys)}", rows, orders=orders)
        wanted = rows[keys].merge(expected.rename("actual").reset_index(), how="left", on=keys)["actual"]
        wanted = wanted.where(rows[keys].notna().all(axis=1).to_numpy())  # pandas joins missing with missing
        same(actual, wanted.fillna(0) if name in ("count", "sum") else wanted)


def test_first_and_most_frequent_categories_of_further_tables():
    rows = pd.DataFrame({"who": ["ann", "bob", "cat", None]})
    visits = pd.DataFrame({"who": ["bob", "ann", "bob", "ann", None, "bob"], "what": ["z", None, "b", "a", "z", "b"]})
    same(value("label(visits.what) by who", rows, visits=visits), [np.nan, 2, np.nan, np.nan])
    same(value("mode(visits.what) by who", rows, visits=visits), [0, 1, np.nan, np.nan])
    tied = pd.DataFrame({"who": ["ann", "ann"], "what": ["z", "b"]})
    same(value("mode(visits.what) by who", rows, visits=tied), [0, np.nan, np.nan, np.nan])


def test_dates_of_further_tables_are_measured_however_they_are_written():
    rows = pd.DataFrame({"who": [1, 2, 3]})
    opened = ["2024-01-03", "2024-01-02", None, "2024-02-01"]
    days = [19725 * 86400.0, 19754 * 86400.0, np.nan]
    for written in (opened, [20240103, 20240102, np.nan, 20240201], pd.to_datetime(opened)):
        visits = pd.DataFrame({"who": [1, 1, 1, 2], "opened": written})
        same(value("max(visits.opened) by who", rows, visits=visits), days)
        same(value("value(visits.opened) by who", rows, visits=visits), days)


def test_what_rows_say_of_target_means_is_that_of_their_own_fold():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({c: rng.integers(0, 3, 50) for c in "abc"})
    y = rng.normal(size=(40, 1))
    means = "target_mean(a), target_mean(b), target_mean(c)"
    folds = [Target(np.arange(i, 40, 2), y[i::2], 0, 0) for i in (0, 1)]
    frame = Frame(Table(rows), target=folds[0])
    for op in ("row_median", "row_mode", "row_distinct"):
        frame.value(parse(f"{op}({means})"))
        other = frame.fitted_on(folds[1]).value(parse(f"{op}({means})"))
        same(other, value(f"{op}({means})", rows, folds[1]))


def test_keys_of_two_tables_are_compared_by_value():
    rows = pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "text": ["1", "2.0", " 3", "x"],
            "long": np.array([2**53, 2**53 + 1, 5, 6]),
            "flag": [True, False, True, False],
            "day": ["2024-01-01", "2024-01-02", None, "2024-01-04"],
        }
    )
    prices = pd.DataFrame({"id": [1.0, 2.0, np.nan, 4.0], "price": [10.0, 20.0, 30.0, 40.0]})
    same(value("value(prices.price) by id", rows, prices=prices), [10, 20, np.nan, 40])
    same(value("value(prices.price) by text, prices.id", rows, prices=prices), [10, 20, np.nan, np.nan])
    words = pd.DataFrame({"name": ["x", "3", "1"], "price": [1.0, 2.0, 3.0]})
    same(value("value(words.price) by text, words.name", rows, words=words), [3, np.nan, 2, 1])
    same(value("value(words.price) by id, words.name", rows, words=words), [3, np.nan, 2, np.nan])
    large = pd.DataFrame({"long": [2**53 + 1], "price": [1.0]})
    same(value("value(large.price) by long", rows, large=large), [np.nan, 1, np.nan, np.nan])
    flags = pd.DataFrame({"flag": ["True"], "price": [1.0]})
    same(value("value(flags.price) by flag", rows, flags=flags), [1, np.nan, 1, np.nan])
    days = pd.DataFrame({"day": pd.to_datetime(["2024-01-02"]), "price": [1.0]})
    same(value("value(days.price) by day", rows, days=days), [np.nan, 1, np.nan, np.nan])


def test_a_feature_may_be_the_key_into_a_further_table():
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 0.0, 0.0]})
    levels = pd.DataFrame({"level": [1, 2, 3], "price": [1.0, 2.0, 3.0]})
    ranked = value("value(levels.price) by bin(a, 3), levels.level", rows, levels=levels)
    same(ranked, [np.nan, 1, 2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean(orders.nothing) by id", "no column 'nothing'"),
        ("mean(orders.price) by name", "name its key"),
        ("mean(orders.price) by bin(id, 3)", "name its counterpart"),
        ("mean(orders.price) by id, orders.nothing", "no column 'nothing'"),
        ("mean(orders.price) by id, name, orders.key", "unclearly"),
        ("mean(orders.price) by id, other.key", "unclearly"),
        ("mean(orders.price) by orders.key", "unclearly"),
    ],
)
def test_a_join_that_cannot_be_says_what_to_do(text, message):
    rows = pd.DataFrame({"id": [1, 2], "name": ["a", "b"]})
    orders = pd.DataFrame({"id": [1], "key": [1], "price": [1.0]})
    with pytest.raises(PipelineError, match=message):
        value(text, rows, orders=orders, other=orders)


@RANDOMLY
@given(st.integers(0, 999), st.integers(1, 12))
def test_spread_and_median_of_the_target_by_key_are_shrunken_towards_those_of_all(seed, levels):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"k": rng.integers(0, levels, 60).astype(str)})
    y = rng.normal(size=(50, 1))
    target = Target(np.arange(50), y, 0, seed)
    inner = target.inner()
    for op, statistic in (
        ("std", lambda v: np.var(v) if len(v) else 0.0),
        ("median", lambda v: np.median(v) if len(v) else 0.0),
    ):
        actual = value(f"target_{op}(k)", rows, target)[:, 0]
        for i in range(0, 60, 3):
            fit = np.flatnonzero(inner != inner[i]) if i < 50 else np.arange(50)
            values = y[fit[(rows["k"] == rows["k"][i])[fit]], 0]
            shrunk = (len(values) * statistic(values) + 10 * statistic(y[fit, 0])) / (len(values) + 10)
            same(actual[i], np.sqrt(shrunk) if op == "std" else shrunk)
