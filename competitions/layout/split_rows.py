"""Train and test in one table: a column says which rows are which, or the rows of the sample have no target."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.layout.id_match import id_index
from medalist.competitions.layout.sheets import Load, Sheet, cached
from medalist.competitions.layout.single_table import set_answers_aside

_MOST_PARTS = 6  # distinct values of a column that says which part a row is of
_TRAIN = re.compile(r"(?:is_?)?(?:tr|train(?:ing)?|learn(?:ing)?|fit|labell?ed|known|development)(?:[_ ]?set)?", re.I)
_TEST = re.compile(
    r"(?:is_?)?(?:te|test(?:ing)?|hold[_ -]?out|submission|to[_ ]predict|predict|scoring|unlabell?ed|unknown)"
    r"(?:[_ ]?set)?",
    re.I,
)
_VALID = re.compile(r"(?:is_?)?(?:val(?:id(?:ation)?)?|dev|eval(?:uation)?)(?:[_ ]?set)?", re.I)
_TRUE, _FALSE = {"1", "true", "yes", "y"}, {"0", "false", "no", "n"}


def split_rows(sheets: Sequence[Sheet], description: str, targets: Collection[str]) -> list[Sheet] | None:
    """The sheets, one that holds train and test as two; None where there is no such table.

    Its rows are parted by a column whose values are words for train and test (or which is called so, and holds 0 and
    1), and which is no input then; else by the sample, whose rows alone have no target. Targets that are filled in for
    rows of test are answers, set aside as `set_answers_aside` does.
    """
    for sheet in sorted(sheets, key=lambda s: -len(s.columns)):
        others = [s for s in sheets if s is not sheet]
        found = _by_column(sheet) or _by_sample(sheet, others)
        if found is None:
            continue
        of_test, without, why = found
        both = _parts(sheet, of_test, without, why)
        train, test = (part.load() for part in both)
        if not any(bool(test[c].isna().all()) and bool(train[c].notna().any()) for c in test.columns):
            return set_answers_aside([*both, *others], description, targets)
        return [*both, *others]
    return None


def _by_column(sheet: Sheet) -> tuple[np.ndarray, tuple[str, ...], str] | None:
    """(which rows are test's, (n,) bool; the column that says so; how, in words), None without one."""
    frame = sheet.load()
    for name in sheet.columns:
        head = frame[name].iloc[:1000]
        if types.is_float_dtype(head.dtype) or head.nunique() > _MOST_PARTS or frame[name].isna().any():
            continue
        words = frame[name].astype(str).str.strip().str.lower()
        values = list(words.unique())
        if not 2 <= len(values) <= _MOST_PARTS:
            continue
        if set(values) <= _TRUE or set(values) <= _FALSE or set(values) <= _TRUE | _FALSE:
            role = _TEST.fullmatch(name) or _VALID.fullmatch(name)
            if role or _TRAIN.fullmatch(name):
                chosen = [v for v in values if (v in _TRUE) == bool(role)]
                return words.isin(chosen).to_numpy(), (name,), f"{name!r} says which"
            continue
        of_train, of_test, of_valid = ([v for v in values if p.fullmatch(v)] for p in (_TRAIN, _TEST, _VALID))
        if len(of_train) + len(of_test) + len(of_valid) == len(values) and of_train and (of_test or of_valid):
            rows = words.isin(of_test or of_valid).to_numpy()
            return rows, (name,), f"{name!r} is {' or '.join(of_test or of_valid)} in the latter"
    return None


def _by_sample(sheet: Sheet, others: Sequence[Sheet]) -> tuple[np.ndarray, tuple[str, ...], str] | None:
    """The same where exactly the rows of a sample have no value in the columns that it asks for."""
    frame = sheet.load()
    for form in others:
        shared = [c for c in form.columns if c in sheet.columns]
        targets = [c for c in shared if bool(frame[c].isna().any()) and bool(frame[c].notna().any())]
        keys = [c for c in shared if c not in targets]
        if not keys or not targets or len(shared) < len(form.columns) or len(shared) == len(sheet.columns):
            continue
        blank = frame[targets].isna().all(axis=1).to_numpy()
        asked = id_index(frame[keys]).isin(id_index(form.load()[keys]))
        if blank.any() and bool((np.asarray(asked) == blank).all()):
            return blank, (), f"those of {form.path} have no {' and no '.join(targets)}"
    return None


def _parts(sheet: Sheet, of_test: np.ndarray, without: tuple[str, ...], why: str) -> tuple[Sheet, Sheet]:
    """The table's rows of train and those of test, as two tables, without the column that tells them apart."""
    columns = tuple(c for c in sheet.columns if c not in without)
    counts = f"{int((~of_test).sum()):,} rows of train and {int(of_test.sum()):,} of test"
    note = f"{sheet.path} holds {counts}: {why} (--train and --test name other tables)."

    def rows(chosen: np.ndarray) -> Load:
        def load(text: Collection[str] = (), exact: Collection[str] = ()) -> pd.DataFrame:
            return sheet.load(text, exact).loc[chosen, list(columns)].reset_index(drop=True)

        return cached(load)

    train = Sheet(sheet.path, columns, rows(~of_test), sheet.files, (*sheet.notes, note))
    return train, Sheet(f"{sheet.path} (test rows)", columns, rows(of_test), sheet.files, (note,))
