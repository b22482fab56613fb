"""Candidates for which tables of a folder are train, test and sample submission, each with a score.

A candidate is a triple (train, test, sample): train has columns that test lacks, and the sample has the ids of test
and, beside them, those columns (or one for each class of such a column); or a pair without a sample. Candidates follow
from the headers, scores from values and, with less weight, from the names of files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from medalist.competitions.layout.expanded_test import key_column
from medalist.competitions.layout.id_match import IdMatch, id_columns, match_ids, same_rows
from medalist.competitions.layout.long_ids import LongIds, read_long_ids
from medalist.competitions.layout.quantile_names import may_be_quantiles, quantile_groups, uncertainty_of
from medalist.competitions.layout.sheets import Sheet

_SAMPLE_WORDS = re.compile(r"sampl|submi|entry|benchmark|baseline", re.IGNORECASE)
_TEST_WORDS = re.compile(r"test", re.IGNORECASE)
_TRAIN_WORDS = re.compile(r"train", re.IGNORECASE)
_ANSWER_WORDS = re.compile(r"answer|solution|truth|label|y_", re.IGNORECASE)
_USAGES = {"public", "private", "ignored"}  # values of a column that Kaggle's solution files have
_CONSTANT_ROWS = 5000  # of a table that are looked at to see whether a column is constant


@dataclass(frozen=True, eq=False)
class Roles:
    """A candidate assignment of tables to the roles train, test and sample, with its score (higher is better).

    `ids`: the id columns, by their names in the sample. `match`: how the sample's rows correspond to test's. `blank`:
    columns that have values in train but are empty in test. `long`: how the rows of a sample with several for each test
    row are named (such a sample has no `ids`), else None. `key`: the column of train that holds the sample's keys,
    where train is as long (and then the sample has `ids`).
    """

    train: Sheet
    test: Sheet
    sample: Sheet | None
    ids: tuple[str, ...]
    match: IdMatch
    blank: tuple[str, ...]
    score: float
    long: LongIds | None = None
    key: str | None = None


def related(train: Sheet, test: Sheet) -> bool:
    """Whether at least half of test's columns are in train, and train has further ones, or equally many."""
    shared = set(train.columns) & set(test.columns)
    more = set(train.columns) - set(test.columns)
    return 2 * len(shared) >= len(test.columns) and (bool(more) or len(train.columns) == len(test.columns))


def read_triple(train: Sheet, test: Sheet, sample: Sheet, *, by_name: bool, forced: bool) -> Roles | None:
    """The triple as a candidate with its score, or None where it cannot be one.

    `by_name`: accept only a sample with columns named like train's targets; False: only one with a column for each
    class, or with a target under another name. `forced`: the user has named this sample, so that less is required.
    """
    both = sum(c in test.columns and c in train.columns for c in sample.columns)
    may_be_blank = set(train.columns) == set(test.columns) or both > 1
    if not set(sample.columns) - set(test.columns) and not may_be_blank:
        return None
    blank = blank_columns(train, test) if may_be_blank else ()
    lacking = (set(train.columns) - set(test.columns)) | set(blank)
    keys = tuple(c for c in sample.columns if c in test.columns and c not in blank)
    keys = id_columns(sample.load(), test.load(), keys) if len(keys) > 1 else keys
    rest = [c for c in sample.columns if c not in keys]
    named = sum(c in lacking for c in rest)
    if not lacking or not rest or bool(named) != by_name or (by_name and len(sample.columns) > len(train.columns)):
        return None
    frame, rows = sample.load(), test.load()
    long = read_long_ids(frame, rows, blank) if len(frame) > len(rows) else None
    match = match_ids(frame, rows, keys, rest) if long is None else IdMatch(0.9)
    key = None if long is None else key_column(long, train.load(), sorted(lacking))
    ids = long.columns if long and key else () if long else keys or tuple(new for _, new in match.renamed)
    values = [c for c in rest if c not in ids] if long is None else [long.value]
    if match.confidence == 0.0 or not values or _has_usage(frame, values, lacking):
        return None
    constant = constant_share(frame, values)
    inputs = [c for c in test.columns if c not in keys]
    if not forced and constant < 1.0 and len(inputs) > 1 and constant_share(rows, inputs) == 1.0:
        return None  # the other way round: test is the sample
    filled = constant == 1.0 or bool(_SAMPLE_WORDS.search(sample.path))
    accepted = by_name or forced or long is not None
    if not accepted and not _stands_for(frame, train, ids, values, lacking, is_filler=filled):
        return None
    answers = _ANSWER_WORDS.search(sample.path) and not _SAMPLE_WORDS.search(sample.path)
    if constant < 1.0 and not forced and (answers or len(sample.columns) > len(test.columns)):
        return None
    in_test = [old if old else new for old, new in match.renamed] or list(keys)
    in_test = [c for c in in_test if long is None or c in long.ids]
    if not forced and set(test.columns) & set(train.columns) <= set(in_test) and len(test.columns) > len(in_test):
        return None  # a submission, say: beside its ids, train knows none of its columns
    if not forced and all(c in train.columns and c in rows for c in in_test) and same_rows(train.load(), rows, in_test):
        return None  # this "train" is test with its answers
    cover = len(set(test.columns) & set(train.columns)) / len(test.columns)
    narrow = len(sample.columns) < len(test.columns)
    score = (
        3 * match.confidence
        + 2 * named / len(values)
        + 2 * cover
        + narrow
        + 2 * constant
        + _by_names(train, test, sample)
    )
    return Roles(train, test, sample, ids, match, blank, score, long, key)


def read_pair(train: Sheet, test: Sheet) -> Roles | None:
    """The pair as a candidate without a sample, or None where it cannot be one or its test looks like a sample."""
    blank = blank_columns(train, test) if set(train.columns) == set(test.columns) else ()
    if not (set(train.columns) - set(test.columns)) | set(blank) or _looks_like_sample(train, test):
        return None
    shared = [c for c in test.columns if c in train.columns]
    if len(shared) < len(test.columns) and all(
        _is_key(frame[c]) for c in shared for frame in (train.load(), test.load())
    ):
        return None  # nothing to predict from
    cover = len(shared) / len(test.columns)
    names = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path))
    score = 2 * cover + 2 * len(test.columns) / len(train.columns) + 0.5 * names
    return Roles(train, test, None, (), IdMatch(1.0), blank, score)


def _is_key(values: pd.Series) -> bool:
    """Whether a column can be an id: no decimals, and no value twice."""
    return not pd.api.types.is_float_dtype(values.dtype) and bool(values.is_unique)


def blank_columns(train: Sheet, test: Sheet) -> tuple[str, ...]:
    """Columns that have values in train and none in test."""
    empty = [c for c in test.columns if c in train.columns and bool(test.load()[c].isna().all())]
    return tuple(c for c in empty if not bool(train.load()[c].isna().all()))


def _stands_for(
    frame: pd.DataFrame,
    train: Sheet,
    ids: Sequence[str],
    values: list[str],
    lacking: set[str],
    *,
    is_filler: bool,
) -> bool:
    """Whether the columns `values` of the sample, which train lacks, can be predictions: one column, one named after
    each of several targets, one for each class of a target or for each of several quantiles, or a value and its
    uncertainty."""
    if any(c in lacking for c in values) or (ids and frame.duplicated(list(ids)).any()):
        return False
    if len(values) == 1:
        return True
    if is_filler and (may_be_quantiles(values) or quantile_groups(values) or uncertainty_of(values)):
        return all(pd.api.types.is_numeric_dtype(frame[c].dtype) for c in values)
    plain = [re.sub(r"[\W_]", "", c.casefold()) for c in values]
    names = [name for c in lacking if len(name := re.sub(r"[\W_]", "", c.casefold())) > 2]
    if all(any(name in c for name in names) for c in plain):
        return True  # such as log_price and log_weight for price and weight
    for name in lacking:
        classes = {str(value) for value in train.load()[name].dropna().unique()[:2000]}
        named = sum(c in classes or any(_named_after(c, label) for label in classes) for c in values)
        if named == len(values) or (named >= 2 and 2 * named >= len(values)):
            return True  # there may be classes that no row of train has
        if len(classes) == len(values):
            sums = frame[values].apply(pd.to_numeric, errors="coerce").iloc[:_CONSTANT_ROWS].sum(axis=1)
            if bool(((sums - 1).abs() < 0.01).all()):
                return True  # codes of the classes
    return False


def _named_after(column: str, label: str) -> bool:
    """Whether a column's name ends with a label, or has its words at either end, in any letter case."""
    own, words = (re.findall(r"[^\W_]+", text.casefold()) for text in (label, column))
    at_an_end = bool(own) and own in (words[: len(own)], words[-len(own) :])
    return column.endswith(label) or at_an_end


def _has_usage(frame: pd.DataFrame, values: list[str], lacking: set[str]) -> bool:
    """Whether a table has the column "Usage" of Kaggle's solution files, under any name."""
    others = [c for c in values if c not in lacking]
    return any({str(v).lower() for v in frame[c].unique()[:9]} <= _USAGES for c in others if len(frame))


def constant_share(frame: pd.DataFrame, columns: list[str]) -> float:
    """The share of the columns, 0 to 1, that hold a single value: 1.0 for the usual sample submission."""
    return sum(frame[c].iloc[:_CONSTANT_ROWS].nunique(dropna=False) <= 1 for c in columns) / len(columns)


def _by_names(train: Sheet, test: Sheet, sample: Sheet) -> float:
    """What the names of the files add to the score of a triple, -0.5 to 2.3."""
    hits = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path)) + _twins(train.path, test.path)
    together = train.path.rpartition("/")[0] == test.path.rpartition("/")[0]
    return 0.3 * together + 0.5 * (
        hits + bool(_SAMPLE_WORDS.search(sample.path)) - bool(_SAMPLE_WORDS.search(test.path))
    )


def _twins(train: str, test: str) -> bool:
    """Whether two names differ by "train" and "test" alone: train.csv and test.csv, but not train_extra.csv."""
    names = [PurePosixPath(path).name.lower() for path in (train, test)]
    return re.sub("train(?:ing)?", "test", names[0], count=1) == names[1]


def named_as_train(*sheets: Sheet) -> bool:
    """Whether the paths of all these tables contain "train"."""
    return all(_TRAIN_WORDS.search(sheet.path) for sheet in sheets)


def looks_like_form(path: str) -> bool:
    """Whether a path is that of a sample submission."""
    return bool(_SAMPLE_WORDS.search(path.rpartition("/")[2]))


def _looks_like_sample(train: Sheet, test: Sheet) -> bool:
    """Whether a table is named like a sample submission, or is narrow with constant columns beside its keys."""
    if _SAMPLE_WORDS.search(test.path):
        return True
    frame = test.load()
    others = [c for c in test.columns if not frame[c].is_unique]
    return 2 * len(test.columns) < len(train.columns) and bool(others) and constant_share(frame, others) == 1.0
