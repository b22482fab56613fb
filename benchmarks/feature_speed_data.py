"""Tables for `feature_speed.py`, and plain pandas and NumPy code for what it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, product
from string import ascii_lowercase

import numpy as np
import pandas as pd

from medalist.pipelines.features.frames.target import Target

TEST_SHARE = 0.25  # test rows for each train row
LEAST_COLUMNS = 16
NUMBERS = list("abcdefghij")  # of the grouped table


@dataclass
class Held:
    """A table in memory as frames read it, so that neither side of a comparison reads from disk."""

    data: pd.DataFrame
    n_train: int

    @property
    def n_rows(self) -> int:
        return len(self.data)

    def column(self, name: str) -> pd.Series:
        return self.data[name]

    def table(self, name: str) -> pd.DataFrame:
        raise KeyError(name)


@dataclass(frozen=True)
class Mixed:
    """A competition's tables, the target (n_train, 1) of 0 and 1, and which columns are of which sort."""

    train: pd.DataFrame
    test: pd.DataFrame
    y: np.ndarray
    numbers: tuple[str, ...]
    counts: tuple[str, ...]
    few: tuple[str, ...]  # categories of 3 to 60 values
    many: tuple[str, ...]  # categories of a value for every 20 rows
    date: str
    code: str  # structured text such as B/45/S


def mixed(rows: int, columns: int, seed: int) -> Mixed:
    """`rows` of train, a quarter as many of test. Two in three columns are numbers; names say nothing.

    The target follows from a cross of two categories, a category of many values, a remainder and a part of the text.
    """
    rng = np.random.default_rng(seed)
    n = rows + int(rows * TEST_SHARE)
    names = _names(columns)
    rng.shuffle(names)
    n_few, n_counts = max(3, columns // 7), max(2, columns // 5)
    date, code, *rest = names
    many, few = rest[:2], rest[2 : 2 + n_few]
    counts, numbers = rest[2 + n_few : 2 + n_few + n_counts], rest[2 + n_few + n_counts :]
    data: dict[str, object] = {}
    for i, name in enumerate(numbers):
        values = rng.normal(rng.normal(0, 5), 1, n) if i % 3 else rng.lognormal(rng.normal(), 0.7, n)
        values = np.round(values * 10.0 ** rng.integers(0, 4), int(rng.integers(1, 5)))
        data[name] = np.where(rng.random(n) < 0.05, np.nan, values) if i % 4 == 3 else values
    for i, name in enumerate(counts):
        data[name] = rng.poisson(rng.uniform(1, 8), n) if i % 2 else rng.integers(0, 10 ** rng.integers(1, 6), n)
    for name in few:
        data[name] = _labels(rng, n, int(rng.integers(3, 61)))
    for name in many:
        data[name] = _labels(rng, n, max(20, rows // 20))
    times = np.datetime64("2021-01-04T00:00:00") + rng.integers(0, 2 * 365 * 86_400, n).astype("timedelta64[s]")
    data[date] = pd.Series(times).dt.strftime("%Y-%m-%d %H:%M:%S").astype("str")
    deck, room, side = rng.choice(list("ABCDEFG"), n), rng.integers(0, 1500, n), rng.choice(list("PS"), n)
    data[code] = [f"{d}/{r}/{s}" for d, r, s in zip(deck, room, side, strict=True)]
    table = pd.DataFrame({name: data[name] for name in sorted(names)})
    level = rng.normal(0, 0.5, n)[pd.factorize(table[many[0]])[0]]
    cell = rng.normal(0, 1, n)[pd.factorize(table[few[0]].astype(str) + table[few[1]].astype(str))[0]]
    score = cell + level + 0.5 * (table[counts[0]] % 3 == 0) + (deck > "D")
    y = (rng.random(n) < 1 / (1 + np.exp(-(score - score.mean()) / score.std()))).to_numpy(float)
    train, test = table.iloc[:rows], table.iloc[rows:].reset_index(drop=True)
    sorts = (tuple(numbers), tuple(counts), tuple(few), tuple(many))
    return Mixed(train, test, y[:rows, None], *sorts, date, code)


def floats(rows: int, columns: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Train, test and target (rows, 1) of 0 and 1: a table of nothing but float64."""
    rng = np.random.default_rng(seed)
    names = _names(columns)
    table = pd.DataFrame(rng.normal(size=(rows + int(rows * TEST_SHARE), columns)), columns=names)
    y = (rng.random(rows) < 1 / (1 + np.exp(-table.iloc[:rows, :5].sum(axis=1)))).to_numpy(float)
    return table.iloc[:rows], table.iloc[rows:].reset_index(drop=True), y[:, None]


def grouped(rows: int, seed: int) -> Held:
    """Ten numbers with 5 % missing, and keys: `city` (text, 2,000 values), `shop` (whole numbers, 1,000), `brand`
    (text, 300) and `kind` (text, 12). Four rows in five are of train."""
    rng = np.random.default_rng(seed)
    data: dict[str, object] = {}
    for name in NUMBERS:
        data[name] = np.where(rng.random(rows) < 0.05, np.nan, np.round(rng.lognormal(3, 1, rows), 2))
    data |= {name: _labels(rng, rows, levels) for name, levels in (("city", 2000), ("brand", 300), ("kind", 12))}
    data["shop"] = rng.integers(0, 1000, rows) * 7
    return Held(pd.DataFrame(data), rows * 4 // 5)


def _names(columns: int) -> list[str]:
    return ["".join(letters) for letters in islice(product(ascii_lowercase, repeat=3), columns)]


def _labels(rng: np.random.Generator, n: int, levels: int) -> np.ndarray:
    words = np.array([f"{'aeiou'[i % 5]}{i * 7919 % 100_003:05d}" for i in range(levels)], dtype=object)
    return words[np.minimum(rng.exponential(levels / 3, n).astype(int), levels - 1)]


def forty(table: Mixed) -> list[str]:
    """Forty features of all sorts, as texts."""
    a, b, c, d, e = table.numbers[:5]
    n, m = table.counts[:2]
    f, g, h = table.few[:3]
    u, v = table.many
    t, s, row = table.date, table.code, ", ".join(table.numbers[:5])
    texts = f"""log({a}) | root({n}) | digit({b}, 1) | fraction({c}) | missing({d}) | round({e}, 0) | mod({m}, 7)
        rank({a}) | month({t}) | hour({t}) | weekday({t}) | elapsed({t}) | length({s}) | part({s}, 0)
        part_number({s}, 1) | {a} / {b} | {b} - {c} | {d} * {e} | count({u}) | count({f} × {g}) | code({f} × {h})
        bin({a}, 20) | mean({a}) by {f} | std({b}) by {u} | median({c}) by {f}, {g} | max({n}) by {v}
        {a} - (mean({a}) by {u}) | rank({d}) by {h} | distinct({f}) by {u} | target_mean({u}) | target_mean({f} × {g})
        target_mean({u} × {f}) | target_mean(part({s}, 0)) | target_mean(bin({e}, 20)) | row_mean({row})
        row_std({row}) | row_sorted({row}) | row_gaps({row}) | row_median({row}) | row_missing({row})"""
    return [text.strip() for line in texts.splitlines() for text in line.split(" | ")]


def statistic(data: pd.DataFrame, name: str, number: str, keys: Sequence[str]) -> np.ndarray:
    """(n,) a statistic of a number within its group, for every row, by pandas."""
    return statistic_of(data.groupby(list(keys) if len(keys) > 1 else keys[0]), name, number, keys[0])


def statistic_of(groups: pd.api.typing.DataFrameGroupBy, name: str, number: str, key: str) -> np.ndarray:
    """The same of groups that are made already."""
    if name == "count":  # of rows
        return groups[key].transform("size").to_numpy()
    if name == "distinct":  # missing is a value
        return groups[number].transform("nunique", dropna=False).to_numpy()
    return groups[number].transform(name).to_numpy()  # type: ignore[call-overload]


def target_mean(data: pd.DataFrame, keys: Sequence[str], target: Target, folds: int = 5) -> np.ndarray:
    """(n,) the nested target mean by one key or several crossed, smoothed by empirical Bayes: a loop over the folds."""
    codes, size = np.zeros(len(data), dtype=np.int64), 1
    for key in keys:
        own, levels = pd.factorize(data[key])
        codes, pairs = pd.factorize(codes * len(levels) + own)
        size = len(pairs)
    y, of_fit = target.y[:, 0], codes[target.fit]
    inner = np.random.default_rng(target.seed).permutation(len(y)) % folds
    out = _means(of_fit, y, size)[codes]
    for fold in range(folds):
        rest = inner != fold
        out[target.fit[~rest]] = _means(of_fit[rest], y[rest], size)[of_fit[~rest]]
    return out


def _means(codes: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """(size,) means of `y` by code, shrunk by the variance within codes over that between them."""
    counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, weights=y, minlength=size)
    seen, explained = (counts > 0).sum(), (sums**2 / np.maximum(counts, 1)).sum()
    within = (y @ y - explained) / max(len(y) - seen, 1)
    between = (explained - sums.sum() ** 2 / len(y)) / max(seen - 1, 1)
    spread = (between - within) / max((len(y) - (counts.astype(float) ** 2).sum() / len(y)) / max(seen - 1, 1), 1e-9)
    smoothing = np.clip(within / spread, 0.5, 100.0) if spread > 0 and len(y) > seen > 1 else 100.0
    return (sums + smoothing * y.mean()) / (counts + smoothing)
