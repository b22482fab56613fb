"""Planted patterns: generated competitions whose target follows from one feature that the raw columns do not show.

A generator draws `ROWS` rows and returns a `Draft`; `make` adds columns of noise, draws the target, and cuts train from
test at random. Raw columns are at chance by construction: what decides is small against the spread of each column
(ratio, deviation from a mean), alternates along the feature (`bands`), or is hidden in a string or in other rows. The
expectation of the target given the feature is known, so that the best score there can be is known as well.

`ISSUE` holds the nine patterns that the search for features was asked for; `other_patterns.OTHER` holds more, and
`relational_patterns.RELATIONAL` those of further tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from medalist.competitions.metrics.registry import get_metric

ROWS, TRAIN_ROWS = 20_000, 15_000
HIT = 0.9  # the likelier class's probability
NOISE = 0.5  # of the target, in standard deviations of its expectation: R² = 0.8 at best
CROSSED = 1800  # levels of a category so rare that LightGBM does not tell them apart
ID, TARGET = "id", "target"
EPOCH = np.datetime64("2021-01-04T00:00:00")


@dataclass(frozen=True)
class Draft:
    """What a generator plants.

    Attributes
    ----------
    metric : auc, logloss, accuracy (a target of 0 and 1) or rmse; with `target` any of values or ordered labels.
    mean : (ROWS,) probability of 1, or expectation of the target.
    hidden : columns that `make` names x1… (numbers) and c1… (strings), mixed with columns of noise.
    named : columns that keep their names: keys, times, families of like columns.
    hint : the true feature; strings are categories whose target means decide.
    tables : further tables by name, without extension.
    row_keys : by table, the column that holds positions of rows, which `make` replaces by the rows' ids.
    noise : of a numeric target.
    target : (ROWS,) what the generator has drawn itself; `mean` is then the best answer by the metric.
    in_time : whether rows are in the order of time and test is the last of them, in place of a draw at random.
    """

    metric: str
    mean: np.ndarray
    hint: np.ndarray
    hidden: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    row_keys: Mapping[str, str] = field(default_factory=dict)
    noise: float = NOISE
    target: np.ndarray | None = None
    in_time: bool = False


@dataclass(frozen=True)
class Pattern:
    """A generated competition: tables, answers, the best prediction (TEST,) and the true feature (train, then test)."""

    name: str
    metric: str
    train: pd.DataFrame
    test: pd.DataFrame
    answers: pd.DataFrame
    extra: Mapping[str, pd.DataFrame]
    oracle: np.ndarray
    hint: np.ndarray


Generator = Callable[[np.random.Generator], Draft]


def make(name: str, generator: Generator, seed: int) -> Pattern:
    """The competition of a pattern: the same at every call with this seed. ValueError where a named column has the name
    of one that is made up."""
    rng = np.random.default_rng([seed, *name.encode()])
    draft = generator(rng)
    mean = np.asarray(draft.mean, dtype=float)
    if draft.target is not None:
        target = np.asarray(draft.target)
    elif get_metric(draft.metric).needs == "value":
        target = np.round(mean + rng.normal(0, draft.noise * mean.std(), ROWS), 4)
    else:
        target = (rng.random(ROWS) < mean).astype(int)
    made_up = _neutral(rng, [*draft.hidden, *_distractors(rng)])
    if taken := sorted(set(draft.named) & set(made_up)):
        raise ValueError(f"The pattern {name} names columns as others are named: {', '.join(taken)}. Rename them.")
    columns = {**draft.named, **made_up}
    names = sorted(columns) if not draft.named else [*draft.named, *sorted(set(columns) - set(draft.named))]
    order = np.arange(ROWS) if draft.in_time else rng.permutation(ROWS)
    frame = pd.DataFrame({c: columns[c] for c in names}).iloc[order].reset_index(drop=True)
    frame.insert(0, ID, np.arange(ROWS) + 1)
    frame[TARGET] = target[order]
    train, test = frame.iloc[:TRAIN_ROWS], frame.iloc[TRAIN_ROWS:].reset_index(drop=True)
    tables = dict(draft.tables)
    for table, column in draft.row_keys.items():
        ids = np.empty(ROWS, dtype=np.int64)
        ids[order] = frame[ID]
        tables[table] = tables[table].assign(**{column: ids[tables[table][column].to_numpy()]})
    return Pattern(
        name, draft.metric, train, test.drop(columns=TARGET), test[[ID, TARGET]], tables,
        mean[order][TRAIN_ROWS:], np.asarray(draft.hint)[order],
    )  # fmt: skip


def _distractors(rng: np.random.Generator) -> list[Any]:
    """Two to six columns of noise."""
    drawn: list[Any] = [
        np.round(rng.normal(50, 12, ROWS), 2),
        np.round(rng.lognormal(3, 1, ROWS), 3),
        rng.integers(0, 40, ROWS),
        np.round(rng.random(ROWS), 5),
        labels(rng, rng.integers(0, 6, ROWS)),
        labels(rng, rng.integers(0, 40, ROWS)),
    ]
    chosen = rng.permutation(len(drawn))[: rng.integers(2, len(drawn) + 1)]
    return [drawn[i] for i in chosen]


def _neutral(rng: np.random.Generator, columns: Sequence[Any]) -> dict[str, Any]:
    """Names that tell nothing, given in random order: x1… for numbers, c1… for strings."""
    named, counts = {}, {"x": 0, "c": 0}
    for i in rng.permutation(len(columns)):
        letter = "c" if np.asarray(columns[i]).dtype == object else "x"
        counts[letter] += 1
        named[f"{letter}{counts[letter]}"] = columns[i]
    return named


# What generators are made of.


def bands(feature: np.ndarray, count: int) -> np.ndarray:
    """+1 and -1 (n,), alternating over `count` bands of equal many rows along a feature; 0 where it is missing."""
    share = pd.Series(feature).rank(pct=True, method="max").to_numpy()
    sign = 1.0 - 2.0 * (np.floor((share - 1e-9) * count) % 2)
    return np.where(np.isnan(share), 0.0, sign)


def chance(sign: np.ndarray, hit: float = HIT) -> np.ndarray:
    """Probabilities (n,) of 1 from signs between -1 and 1."""
    return 0.5 + (hit - 0.5) * sign


def labels(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    """Codes (n,) as strings without an order: a letter and a number for each code."""
    size = int(codes.max()) + 1
    drawn = rng.permutation(max(26_000, 2 * size))[:size]
    return np.array([f"{chr(65 + v % 26)}{v // 26:03d}" for v in drawn], dtype=object)[codes]


def stamps(seconds: np.ndarray, unit: str = "s") -> np.ndarray:
    """Seconds since a Monday as "2021-01-04 13:05:59"; days alone with unit "D"."""
    text = np.datetime_as_string(EPOCH + seconds.astype("timedelta64[s]"), unit=unit)
    return np.char.replace(text, "T", " ").astype(object)


def moments(rng: np.random.Generator, days: int) -> np.ndarray:
    """Distinct seconds (ROWS,) within so many days."""
    return rng.choice(days * 86_400, ROWS, replace=False)


def with_counts(rng: np.random.Generator, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(codes, how often the row's code occurs), each count up to `most` taking about as many rows."""
    counts = np.concatenate([np.full(ROWS // most // c, c) for c in range(1, most + 1)])
    counts = np.concatenate([counts, np.ones(ROWS - counts.sum(), dtype=int)])
    codes = np.repeat(rng.permutation(len(counts)), counts)
    return codes, np.repeat(counts, counts)


def previous(key: np.ndarray, time: np.ndarray, values: np.ndarray, steps: int = 1) -> np.ndarray:
    """The value (n,) of the row of the same key so many rows earlier; missing where there is none."""
    frame = pd.DataFrame({"key": key, "time": time, "value": values}).sort_values(["key", "time"])
    return frame.groupby("key")["value"].shift(steps).sort_index().to_numpy()


def mean_by(values: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The mean (n,) of the values in the row's group."""
    return pd.Series(values).groupby(key).transform("mean").to_numpy()


# The patterns of the issue.


def ratio(rng: np.random.Generator) -> Draft:
    """Ratio of two numbers that both range over decades."""
    below = np.round(rng.lognormal(4, 2, ROWS), 4)
    above = np.round(below * rng.lognormal(0, 0.1, ROWS), 4)
    return Draft("rmse", 10 + 2 * bands(above / below, 4), above / below, hidden=[above, below])


def group_deviation(rng: np.random.Generator) -> Draft:
    """Deviation from the mean of the group: groups lie far apart, rows of a group do not."""
    group = rng.integers(0, 500, ROWS)
    x = np.round(rng.normal(0, 100, 500)[group] + rng.normal(0, 1, ROWS), 4)
    deviation = x - mean_by(x, group)
    return Draft("rmse", 5 + np.tanh(2 * deviation), deviation, hidden=[x, labels(rng, group)])


def crossed_category(rng: np.random.Generator) -> Draft:
    """Crossed category: each level meets two of the other column, a good one and a bad one."""
    first, step = rng.integers(0, CROSSED, ROWS), rng.integers(0, 2, ROWS)
    second = (first + step) % CROSSED
    crossed = (first * CROSSED + second).astype(str).astype(object)
    return Draft("auc", chance(2 * step - 1, 0.95), crossed, hidden=[labels(rng, first), labels(rng, second)])


def frequency(rng: np.random.Generator) -> Draft:
    """Frequency of a number over train and test, from one to eight."""
    codes, counts = with_counts(rng, 8)
    prices = np.round(rng.choice(4_000_000, codes.max() + 1, replace=False) / 100 + 5, 2)
    sign = np.where(np.isin(counts, (1, 4, 5, 8)), 1, -1)
    return Draft("accuracy", chance(sign), counts, hidden=[prices[codes]])


def third_decimal(rng: np.random.Generator) -> Draft:
    """Third decimal digit of a number."""
    whole = rng.integers(0, 1_000_000, ROWS)
    digit = whole // 100 % 10
    return Draft("rmse", 20 + rng.permutation(np.linspace(-3, 3, 10))[digit], digit, hidden=[whole / 100_000])


def hour_of_timestamp(rng: np.random.Generator) -> Draft:
    """Hour of a timestamp, over two years."""
    seconds = moments(rng, 730)
    hour = seconds // 3600 % 24
    return Draft("logloss", chance(np.roll([1, 1, 1, -1, -1, -1] * 4, rng.integers(6))[hour]), hour,
                 named={"recorded": stamps(seconds)})  # fmt: skip


def parts_of_string(rng: np.random.Generator) -> Draft:
    """First and last part of a string like B/45/S, both of which count."""
    letter, side = rng.integers(0, 8, ROWS), rng.integers(0, 2, ROWS)
    number = rng.integers(0, 2000, ROWS)
    text = [f"{'ABCDEFGH'[a]}/{n}/{'PS'[s]}" for a, n, s in zip(letter, number, side, strict=True)]
    logit = 1.6 * rng.permutation([1, 1, 1, 1, -1, -1, -1, -1])[letter] + 1.6 * (2 * side - 1)
    return Draft("auc", 1 / (1 + np.exp(-logit)), logit, hidden=[np.array(text, dtype=object)])


def lag_by_key(rng: np.random.Generator) -> Draft:
    """The number of the key's previous row; test rows lie in between, their numbers being known."""
    key, seconds = rng.integers(0, 800, ROWS), moments(rng, 300)
    x = np.round(rng.normal(0, 1, ROWS), 4)
    before = previous(key, seconds, x)
    return Draft("rmse", 3 + np.tanh(2 * np.nan_to_num(before)), before, hidden=[x],
                 named={"time": stamps(seconds), "machine": labels(rng, key)})  # fmt: skip


def second_table(rng: np.random.Generator) -> Draft:
    """Mean over the key's rows of a second table."""
    key = rng.permutation(np.arange(ROWS) % 10_000)
    owner = rng.permutation(np.concatenate([np.arange(10_000), rng.integers(0, 10_000, 40_000)]))
    amount = np.round(rng.normal(0, 1, 10_000)[owner] * 20 + rng.normal(100, 20, len(owner)), 2)
    names = labels(rng, np.arange(10_000))
    means = pd.Series(amount).groupby(owner).mean().reindex(range(10_000)).to_numpy()[key]
    table = pd.DataFrame({"customer": names[owner], "amount": amount, "channel": rng.integers(1, 5, len(owner))})
    return Draft("auc", 1 / (1 + np.exp(-(means - 100) / 6)), means, named={"customer": names[key]},
                 tables={"visits": table})  # fmt: skip


ISSUE: dict[str, Generator] = {
    "ratio": ratio,
    "group_deviation": group_deviation,
    "crossed_category": crossed_category,
    "frequency": frequency,
    "third_decimal": third_decimal,
    "hour_of_timestamp": hour_of_timestamp,
    "parts_of_string": parts_of_string,
    "lag_by_key": lag_by_key,
    "second_table": second_table,
}
