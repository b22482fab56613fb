"""Which table is train, which is test, which is the sample submission: decided by what stands in them.

A reading of the folder is a triple (train, test, sample): train has columns that test lacks, the sample has test's ids
and, beside them, those columns (or one per class of such a column). Headers give the candidates, values decide among
them; names count only where contents are silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pandas as pd

from medalist.competitions.errors import InputError
from medalist.competitions.layout.id_match import IdMatch, match_ids, same_rows, share_found

_SAMPLE_WORDS = re.compile(r"sampl|submi|entry|benchmark|baseline", re.IGNORECASE)
_TEST_WORDS = re.compile(r"test", re.IGNORECASE)
_TRAIN_WORDS = re.compile(r"train", re.IGNORECASE)
_ANSWER_WORDS = re.compile(r"answer|solution|truth|label|y_", re.IGNORECASE)
_USAGES = {"public", "private", "ignored"}  # Kaggle's solution files have such a column
_MARGIN = 0.2  # two readings closer than this are ambiguous
_DULL_ROWS = 5000


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table of the folder: its path and columns, and how to read it (the caller keeps what was read).

    `parts`: the paths of the tables it was joined from, where it was.
    """

    path: str
    columns: tuple[str, ...]
    load: Callable[[], pd.DataFrame]
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Roles:
    """`ids`: columns of the sample that identify a row, by the sample's names; see IdMatch for `match`.

    `blank`: columns of test that train fills and test leaves empty.
    """

    train: Sheet
    test: Sheet
    sample: Sheet | None
    ids: tuple[str, ...]
    match: IdMatch
    blank: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Given:
    """Paths of the tables that the user named; None where not."""

    train: str | None = None
    test: str | None = None
    sample: str | None = None


def decide_roles(sheets: Sequence[Sheet], given: Given, need_sample: bool) -> Roles:
    """The best reading. Raises InputError naming the flag that settles it, when there is none, or more than one."""
    trains, tests, samples = (
        [s for s in sheets if path is None or s.path == path] for path in (given.train, given.test, given.sample)
    )
    fixed = bool(given.train and given.test)
    pairs = [(a, b) for a in trains for b in tests if a is not b and given.sample not in (a.path, b.path)]
    pairs = [(a, b) for a, b in pairs if fixed or related(a, b)]
    triples = [(a, b, c) for a, b in pairs for c in samples if c.path not in (a.path, b.path)]
    forced = given.sample is not None
    found = [r for t in triples if (r := read_triple(*t, by_name=True, forced=forced))]
    if not found:
        found = [r for t in triples if (r := read_triple(*t, by_name=False, forced=forced))]
    if not found and not need_sample and not forced:
        found = [r for a, b in pairs if (r := read_pair(a, b))]
    if not found:
        raise InputError(_what_is_missing(sheets, pairs, given))
    found.sort(key=lambda r: -r.score)
    for other in found[1:]:
        if found[0].score - other.score < _MARGIN:
            raise _ambiguous(found[0], other)
    return found[0]


def related(train: Sheet, test: Sheet) -> bool:
    """Test's columns are train's for the most part, and train has something that test lacks (perhaps only values)."""
    shared = set(train.columns) & set(test.columns)
    more = set(train.columns) - set(test.columns)
    return 2 * len(shared) >= len(test.columns) and (bool(more) or len(train.columns) == len(test.columns))


def read_triple(train: Sheet, test: Sheet, sample: Sheet, *, by_name: bool, forced: bool) -> Roles | None:
    """The triple with its score, or None where it makes no sense.

    `by_name`: the sample has columns of train's that test lacks; else its columns are classes, or one under another
    name. `forced`: the user named this sample.
    """
    both = sum(c in test.columns and c in train.columns for c in sample.columns)
    may_be_blank = set(train.columns) == set(test.columns) or both > 1
    if not set(sample.columns) - set(test.columns) and not may_be_blank:
        return None
    blank = _blank(train, test) if may_be_blank else ()
    lacking = (set(train.columns) - set(test.columns)) | set(blank)
    keys = tuple(c for c in sample.columns if c in test.columns and c not in blank)
    rest = [c for c in sample.columns if c not in keys]
    named = sum(c in lacking for c in rest)
    if not lacking or not rest or bool(named) != by_name or (by_name and len(sample.columns) > len(train.columns)):
        return None
    frame, rows = sample.load(), test.load()
    match = match_ids(frame, rows, keys, rest)
    ids = keys or tuple(new for _, new in match.renamed)
    values = [c for c in rest if c not in ids]
    if match.share == 0.0 or not values or _has_usage(frame, values, lacking):
        return None
    if not by_name and not forced and not _stands_for(frame, train, ids, values, lacking):
        return None
    dull = dullness(frame, values)
    answers = _ANSWER_WORDS.search(sample.path) and not _SAMPLE_WORDS.search(sample.path)
    if dull < 1.0 and not forced and (answers or len(sample.columns) > len(test.columns)):
        return None
    in_test = [old if old else new for old, new in match.renamed] or list(keys)
    if not forced and all(c in train.columns and c in rows for c in in_test) and same_rows(train.load(), rows, in_test):
        return None  # this "train" is test with its answers
    cover = len(set(test.columns) & set(train.columns)) / len(test.columns)
    narrow = len(sample.columns) < len(test.columns)
    score = 3 * match.share + 2 * named / len(values) + 2 * cover + narrow + 2 * dull + _by_names(train, test, sample)
    return Roles(train, test, sample, ids, match, blank, score)


def read_pair(train: Sheet, test: Sheet) -> Roles | None:
    """Train and test where there is no sample; None where they do not fit, or "test" looks like a sample."""
    blank = _blank(train, test) if set(train.columns) == set(test.columns) else ()
    if not (set(train.columns) - set(test.columns)) | set(blank) or _looks_like_sample(train, test):
        return None
    cover = len(set(test.columns) & set(train.columns)) / len(test.columns)
    names = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path))
    score = 2 * cover + 2 * len(test.columns) / len(train.columns) + 0.5 * names
    return Roles(train, test, None, (), IdMatch(1.0), blank, score)


def is_answers(sheet: Sheet, roles: Roles, train: pd.DataFrame, test: pd.DataFrame) -> bool:
    """Whether a left-over table holds the test rows' ids together with a column that is to be predicted."""
    lacking = (set(roles.train.columns) - set(roles.test.columns)) | set(roles.blank)
    wanted = [c for c in roles.sample.columns if c in lacking] if roles.sample else list(lacking)
    ids = list(roles.ids) or [c for c in sheet.columns if c in test and test[c].is_unique][:1]
    if not any(c in sheet.columns for c in wanted) or not all(c in sheet.columns and c in test for c in ids):
        return False
    frame = sheet.load()
    if not ids or (all(c in train for c in ids) and share_found(test, train, ids) > 0.5):
        return len(frame) == len(test)  # no ids, or they start again in train: they prove nothing
    return share_found(test, frame, ids) > 0.9


def _blank(train: Sheet, test: Sheet) -> tuple[str, ...]:
    empty = [c for c in test.columns if c in train.columns and bool(test.load()[c].isna().all())]
    return tuple(c for c in empty if not bool(train.load()[c].isna().all()))


def _stands_for(frame: pd.DataFrame, train: Sheet, ids: Sequence[str], values: list[str], lacking: set[str]) -> bool:
    """Whether columns that train lacks can stand for one that only train has: one column for it, or one per class."""
    if any(c in train.columns for c in values) or (ids and frame.duplicated(list(ids)).any()):
        return False
    if len(values) == 1:
        return True
    for name in lacking:
        classes = {str(value) for value in train.load()[name].dropna().unique()[:2000]}
        if all(c in classes or any(c.endswith(k) for k in classes) for c in values):
            return True
    return False


def _has_usage(frame: pd.DataFrame, values: list[str], lacking: set[str]) -> bool:
    others = [c for c in values if c not in lacking]
    return any({str(v).lower() for v in frame[c].unique()[:9]} <= _USAGES for c in others if len(frame))


def dullness(frame: pd.DataFrame, columns: list[str]) -> float:
    """The share of columns that hold one value only: 1.0 for the usual sample submission."""
    return sum(frame[c].iloc[:_DULL_ROWS].nunique(dropna=False) <= 1 for c in columns) / len(columns)


def _by_names(train: Sheet, test: Sheet, sample: Sheet) -> float:
    hits = bool(_TRAIN_WORDS.search(train.path)) + bool(_TEST_WORDS.search(test.path)) + _twins(train.path, test.path)
    return 0.5 * (hits + bool(_SAMPLE_WORDS.search(sample.path)) - bool(_SAMPLE_WORDS.search(test.path)))


def _twins(train: str, test: str) -> bool:
    """Whether two tables are named alike but for that word: train.csv and test.csv, not train_extra.csv."""
    names = [PurePosixPath(path).name.lower() for path in (train, test)]
    return re.sub("train(?:ing)?", "test", names[0], count=1) == names[1]


def named_as_train(*sheets: Sheet) -> bool:
    """Whether all of them are called train."""
    return all(_TRAIN_WORDS.search(sheet.path) for sheet in sheets)


def _looks_like_sample(train: Sheet, test: Sheet) -> bool:
    if _SAMPLE_WORDS.search(test.path):
        return True
    frame = test.load()
    others = [c for c in test.columns if not frame[c].is_unique]
    return 2 * len(test.columns) < len(train.columns) and bool(others) and dullness(frame, others) == 1.0


def _ambiguous(best: Roles, other: Roles) -> InputError:
    for role in ("sample", "test", "train"):
        one, two = getattr(best, role), getattr(other, role)
        if one is not two and one and two:
            return InputError(f"{one.path} and {two.path} could both be {role}: say which it is with --{role} FILE.")
    return InputError("the files can be read in two ways: say which is which with --train, --test and --sample.")


def _what_is_missing(sheets: Sequence[Sheet], pairs: Sequence[tuple[Sheet, Sheet]], given: Given) -> str:
    names = ", ".join(s.path for s in sheets[:6]) + (", …" if len(sheets) > 6 else "")
    if given.sample:
        return f"{given.sample} does not fit train and test: it needs test's ids and the targets; check --sample."
    for a, b in pairs:
        if read_pair(a, b):
            for sheet in (a, b):
                if not len(sheet.load()):
                    return f"{sheet.path} has a header line but no rows: put the table there again."
            return (
                f"no sample submission fits {a.path} and {b.path} (looked at {names}): "
                "give --sample FILE, or --id and --target instead."
            )
    for a, b in pairs:
        for c in sheets:
            same = len(set(a.columns) & set(c.columns))
            if c.path not in (a.path, b.path) and same == len(c.columns) and not given.train:
                return (
                    f"every column of {c.path} is in {a.path} too, so that nothing is left to be predicted: "
                    "if it is the train table, its target is missing; else give --train and --test."
                )
            if c.path not in (a.path, b.path) and set(b.columns) & set(c.columns) and not given.test:
                return (
                    f"{c.path} has only {same} of its {len(c.columns)} columns in common with {a.path}, too few to be "
                    "its test table: check the files, or give --train and --test."
                )
        if set(b.columns) <= set(a.columns):
            return f"no test table was found beside {a.path} and {b.path}: give --test FILE."
    if pairs or len(sheets) < 2:
        return f"no train table with its test table was found (looked at {names}): give --train FILE and --test FILE."
    return f"no two tables share enough columns to be train and test (looked at {names}): give --train and --test."
