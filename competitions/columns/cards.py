"""ColumnCard: what a column means, how much of it is missing, and how it differs in test; decided from its values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.columns.drift import category_drift, number_drift
from medalist.competitions.columns.kinds import numeric_kind, text_kind
from medalist.competitions.columns.scales import levels_of
from medalist.competitions.columns.several_labels import separator_of
from medalist.competitions.errors import TaskError
from medalist.competitions.tables.dtypes import is_text

SAMPLED = 200_000  # rows of a table from which columns are described; larger tables are sampled
RECOUNTED = 0.1  # distinct values per sampled row, above which distinct values are counted in all rows
MOST_RECOUNTED = 20  # at most so many columns are counted in all rows


class Kind(StrEnum):
    """What a column means; the values are the words of task.yaml."""

    NUMBER = "number"
    COUNT = "count"  # whole numbers from 0
    CATEGORY = "category"
    ORDINAL = "ordinal"  # few small whole numbers, or labels with an order
    BOOLEAN = "boolean"  # at most two distinct values
    DATE = "date"
    TEXT = "text"  # several words a value
    KEY = "key"  # identifies a row or an entity: values hardly repeat
    CONSTANT = "constant"
    DUPLICATE = "duplicate"  # the same values as an earlier column


@dataclass(frozen=True)
class ColumnCard:
    """The description of one column that train and test share.

    `missing`, `missing_test`: shares of the rows of train and of test without a value, 0 to 1. `distinct`: number of
    distinct values in train; where train was sampled, in the `counted` rows of the sample (`counted` is 0 where all
    rows were counted). `unseen`: the share of the test rows with a value that never occurs in train. `drift`: the
    distance between the distributions in train and test beyond what chance gives, 0 (equal) to 1: Kolmogorov-Smirnov
    for numbers, dates and text lengths, total variation for categories; at least the difference of the missing shares.
    `duplicate_of`: an earlier column with the same values. `examples`: the most frequent values. `note`: why the column
    has its kind, "" where that is plain. `numeric`: stored as numbers or booleans. `levels`: the values of an ordinal
    column of text, lowest first, misspelt ones included. `separator`: the mark between the labels of a value that
    holds several, else "".
    """

    name: str
    kind: Kind
    dtype: str
    missing: float
    missing_test: float
    distinct: int
    unseen: float
    drift: float
    duplicate_of: str | None
    examples: tuple[str, ...]
    note: str
    numeric: bool
    levels: tuple[str, ...] = ()
    counted: int = 0
    separator: str = ""

    def distinct_share(self, n_rows: int) -> float:
        """Distinct values per counted row, 0 to 1. `n_rows`: rows of train, used where all of them were counted."""
        return self.distinct / max(1, self.counted or n_rows)


def describe_columns(
    train: pd.DataFrame,
    test: pd.DataFrame,
    skip: Collection[str] = (),
    n_sample: int = SAMPLED,
    overrides: Mapping[str, str] | None = None,
    seed: int = 0,
) -> tuple[ColumnCard, ...]:
    """A card for every column that both tables have, in the order of train, without those in `skip`.

    A table with more than `n_sample` rows is described from a sample of that size, drawn with `seed`; only for columns
    whose values hardly repeat in the sample, such as the ids of users, are `distinct` and `unseen` counted in all rows
    (for at most MOST_RECOUNTED of them). `overrides` (column name → kind) take precedence over the kind inferred from
    the values. Raises TaskError for an override of an unknown column or with an unknown kind.
    """
    names = [name for name in train.columns if name in test.columns and name not in set(skip)]
    kinds = check_kinds(overrides or {}, set(train.columns) | set(test.columns))
    rng = np.random.default_rng(seed)
    all_train, all_test = train, test
    train, test = _sample(train[names], n_sample, rng), _sample(test[names], n_sample, rng)
    cards = [_describe(name, train[name], test[name], kinds.get(name)) for name in names]
    if len(all_train) > n_sample or len(all_test) > n_sample:
        recounted = [card.name for card in cards if _may_repeat(card, train[card.name])][:MOST_RECOUNTED]
        for place, card in enumerate(cards):
            if card.name in recounted:
                whole = _describe(card.name, all_train[card.name], all_test[card.name], card.kind)
                card = replace(card, distinct=whole.distinct, unseen=whole.unseen)
            elif len(all_train) > n_sample:
                card = replace(card, counted=n_sample)
            cards[place] = card
    return _mark_duplicates(cards, train, test, kinds)


def _may_repeat(card: ColumnCard, values: pd.Series) -> bool:
    """Whether the distinct values of a sampled column must be counted in all rows: strings (no dates or free text) or
    whole numbers that hardly repeat in the sample `values` and so may be keys that repeat in the whole table."""
    if card.distinct <= RECOUNTED * len(values) or card.kind in (Kind.DATE, Kind.TEXT):
        return False
    if not card.numeric:
        return True
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    return not (numbers[np.isfinite(numbers)] % 1).any()


def _describe(name: str, train: pd.Series, test: pd.Series, override: Kind | None) -> ColumnCard:
    """The card of one column. `override`: the kind that a person has set, None without one."""
    both = pd.concat([train.reset_index(drop=True), test.reset_index(drop=True)], ignore_index=True)
    if isinstance(both.dtype, pd.CategoricalDtype):
        both = both.astype(both.cat.categories.dtype)
    text = is_text(both)
    if text and both.dtype == object:
        both = both.where(both.isna(), both.astype(str))
    codes, uniques = pd.factorize(both)
    n = len(train)
    counts = np.bincount(codes[:n][codes[:n] >= 0], minlength=len(uniques))
    distinct = int((counts > 0).sum())
    missing, missing_test = float((codes[:n] < 0).mean()), float((codes[n:] < 0).mean()) if len(test) else 0.0
    differing = abs(missing - missing_test) if len(test) else 0.0
    test_codes = codes[n:][codes[n:] >= 0]
    unseen = float((counts[test_codes] == 0).sum()) / max(1, len(test))
    values = pd.Series(uniques)
    dates = None if distinct <= 1 or pd.api.types.is_bool_dtype(both.dtype) else parse_dates(values)
    levels: tuple[str, ...] = ()
    note = separator = ""
    if distinct == 0 or (distinct == 1 and missing == 0.0):
        kind = "constant"
    elif distinct <= 2 and dates is None:
        kind = "boolean"
    elif dates is not None:
        kind = "date"
    elif text:
        texts = values.astype(str).to_numpy(dtype=object)
        kind, note, levels = text_kind(texts, counts, n)
        if kind == "category" and (levels := levels_of(texts, counts)):
            kind, note = "ordinal", " < ".join(levels)
        elif kind in ("category", "key", "text") and (separator := separator_of(texts, counts)):
            kind, note = "category" if kind == "text" else kind, f"several labels a value, between {separator!r}"
    else:
        kind, note = numeric_kind(both.iloc[:n].to_numpy(dtype=float, na_value=np.nan), distinct)
    kind = override or Kind(kind)
    numeric = not text and not pd.api.types.is_datetime64_any_dtype(both.dtype)
    drift = _drift(kind, numeric, codes, n, values, dates)
    return ColumnCard(
        name=name,
        kind=kind,
        dtype=str(train.dtype),
        missing=missing,
        missing_test=missing_test,
        distinct=distinct,
        unseen=unseen,
        drift=round(max(drift, differing), 4),
        duplicate_of=None,
        examples=_examples(values, counts),
        note="as the task file says" if override else note,
        numeric=numeric,
        levels=levels,
        separator=separator,
    )


def _drift(kind: Kind, numeric: bool, codes: np.ndarray, n: int, values: pd.Series, dates: pd.Series | None) -> float:
    """The drift (see ColumnCard) of a column whose rows hold `values[codes]`, code -1 being a missing value; the first
    `n` rows are train's, the others test's."""
    if kind == Kind.CONSTANT and len(values) <= 1:
        return 0.0
    if dates is not None:
        axis = dates.to_numpy("datetime64[s]").astype(np.int64).astype(float)
    elif numeric:
        axis = values.to_numpy(dtype=float, na_value=np.nan)
    elif kind in (Kind.TEXT, Kind.KEY):
        axis = values.astype(str).str.len().to_numpy(dtype=float)
    else:
        return category_drift(codes[:n], codes[n:])
    in_train, in_test = codes[:n][codes[:n] >= 0], codes[n:][codes[n:] >= 0]
    return number_drift(axis[in_train], axis[in_test])


def _examples(values: pd.Series, counts: np.ndarray, n: int = 3, width: int = 40) -> tuple[str, ...]:
    """The `n` most frequent values as text of at most `width` characters."""
    frequent = np.argsort(-counts, kind="stable")[:n]
    texts = (str(values.iloc[i]) for i in frequent)
    return tuple(text if len(text) <= width else text[: width - 1] + "…" for text in texts)


def _sample(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most `n` rows of a table, in their order."""
    return table if len(table) <= n else table.iloc[np.sort(rng.choice(len(table), n, replace=False))]


def check_kinds(overrides: Mapping[str, str], columns: Collection[str]) -> dict[str, Kind]:
    """The kinds that a person has set, by column. Raises TaskError for an unknown kind or column."""
    for name, kind in overrides.items():
        if name not in columns:
            raise TaskError(f"columns: {name!r} is no column of train or test; leave it out or mend its name.")
        if kind not in tuple(Kind):
            raise TaskError(f"columns.{name} is {kind!r}, but must be one of {', '.join(Kind)}.")
    return {name: Kind(kind) for name, kind in overrides.items()}


def _mark_duplicates(
    cards: list[ColumnCard], train: pd.DataFrame, test: pd.DataFrame, overrides: Mapping[str, Kind]
) -> tuple[ColumnCard, ...]:
    """The cards, those of columns with the same values as an earlier one, in train and test, marked as duplicates."""
    first: dict[tuple[bool, bytes], list[str]] = {}
    marked = []
    for card in cards:
        key = (card.numeric, _pattern(train[card.name], test[card.name]))
        original = next((name for name in first.get(key, ()) if _equal(train, test, name, card.name)), None)
        if original is None:
            first.setdefault(key, []).append(card.name)
        elif card.name not in overrides and card.kind != Kind.CONSTANT:
            card = replace(card, kind=Kind.DUPLICATE, duplicate_of=original, note=f"the same values as {original}")
        marked.append(card)
    return tuple(marked)


def _pattern(*parts: pd.Series) -> bytes:
    """A digest of which rows share a value: equal for columns of equal values, and rarely for others."""
    return hashlib.sha256(b"".join(pd.factorize(part)[0].tobytes() for part in parts)).digest()


def _equal(train: pd.DataFrame, test: pd.DataFrame, a: str, b: str) -> bool:
    """Whether two columns have the same values in every row of both tables, missing ones included."""
    for table in (train, test):
        left, right = table[a], table[b]
        same = (left.isna() & right.isna()) | (left == right).fillna(False)
        if not bool(same.all()):
            return False
    return True
