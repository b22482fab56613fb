"""Groups: what the group of a row is, and the evidence that test was separated from train by whole groups.

That is so where the values of a key repeat in train, yet hardly any of them is in both tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from medalist.competitions.columns.dates import parse_dates
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.plan import FoldPlan, plan_column
from medalist.competitions.tables.dtypes import is_text

SEPARATORS = ("_", "-", "/", ":", ".", "|", "#")  # that may end the leading part of a structured key
MIN_REPEATED = 0.2  # share of the rows whose value another row has too, below which values form no groups


@dataclass(frozen=True)
class GroupEvidence:
    """How the groups of a column, or of its text before a separator, are spread over train and test.

    `groups`, `test_groups`: number of groups in train and in test. `observed`: number of groups that are in both;
    `expected`: its expectation if the test rows were drawn at random. `fraction`: whether its values are fractions,
    such as coordinates of a place, rather than a key.
    """

    column: str
    separator: str | None
    groups: int
    test_groups: int
    observed: int
    expected: float
    fraction: bool = False

    @property
    def disjoint(self) -> bool:
        """Whether far fewer groups are in both tables than a random draw of the test rows would give."""
        return self.groups >= 3 and self.expected >= 5 and self.observed <= 0.05 * self.expected


def group_evidence(train: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> Iterator[GroupEvidence]:
    """The overlap of each column of text, numbers or dates whose values repeat; for text whose values do not, of the
    part before a separator."""
    for name in columns:
        values = train[name]
        dated = pd.api.types.is_datetime64_any_dtype(values.dtype)
        numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
        if not (numeric or dated or is_text(values)):
            continue
        fraction = _fractional(values)
        if fraction and not _may_be_groups(values, test[name]):
            continue
        alike = _single_precision if fraction else lambda column: column
        evidence = overlap(alike(values), alike(test[name]), None)
        if evidence is not None:
            yield replace(evidence, fraction=fraction)
        elif is_text(values) and parse_dates(values) is None:
            for separator in SEPARATORS:
                if values.dropna().head(200).astype(str).str.contains(separator, regex=False).mean() > 0.95:
                    evidence = overlap(train[name], test[name], separator)
                    if evidence is not None:
                        yield evidence
                        break


def _fractional(values: pd.Series) -> bool:
    """Whether a column holds fractions; whole numbers are stored as floats, too, for the sake of missing values."""
    if not pd.api.types.is_float_dtype(values.dtype):
        return False
    return bool((values.iloc[:1000].dropna() % 1).any() or (values.dropna() % 1).any())


def _may_be_groups(train: pd.Series, test: pd.Series) -> bool:
    """Whether fractions of test that train lacks may tell groups: they repeat, so that they were not measured more
    finely, and most lie in the middle of train's range, so that it is no other distribution."""
    if test.duplicated(keep=False).mean() < MIN_REPEATED:
        return False
    return bool(test.between(train.quantile(0.05), train.quantile(0.95)).mean() > 0.5)


def _single_precision(values: pd.Series) -> pd.Series:
    """Numbers to 20 bits (single precision has 24), since one of two tables may have been stored so."""
    mantissas, exponents = np.frexp(values.to_numpy(dtype=float, na_value=np.nan))
    return pd.Series(np.ldexp(np.round(mantissas * 2.0**20), exponents), index=values.index, name=values.name)


def overlap(train: pd.Series, test: pd.Series, separator: str | None) -> GroupEvidence | None:
    """How the groups of a column overlap, or None where its values hardly repeat in train and so form no groups."""
    both = pd.concat([train, test], ignore_index=True)
    codes, uniques = pd.factorize(group_keys(both, separator))
    n = len(train)
    in_train = np.bincount(codes[:n][codes[:n] >= 0], minlength=len(uniques))
    in_test = np.bincount(codes[n:][codes[n:] >= 0], minlength=len(uniques))
    filled = in_train.sum()
    if not in_test.any():  # a column that is empty in test says nothing about its groups
        return None
    if filled < 0.8 * n or in_train[in_train >= 2].sum() < MIN_REPEATED * filled or (in_train > 0).sum() < 3:
        return None
    share, total = n / len(both), in_train + in_test
    expected = float((1 - share**total - (1 - share) ** total).sum())
    observed = int(((in_train > 0) & (in_test > 0)).sum())
    return GroupEvidence(
        str(train.name), separator, int((in_train > 0).sum()), int((in_test > 0).sum()), observed, expected
    )


def group_plan(
    disjoint: list[GroupEvidence],
    overlapping: list[GroupEvidence],
    columns: list[str],
    n_splits: int | None,
    seed: int,
    given: str | None,
) -> FoldPlan:
    """The fold plan by the column of `disjoint` with the fewest groups, keys before fractions.

    Where there is none, it is by the first column of `overlapping`. A column `given` by a person (then the only one of
    `columns`) is used even where its values do not repeat. Raises TaskError where there is nothing to group by.
    """
    if disjoint:
        best = min(disjoint, key=lambda e: (e.fraction, e.groups))
        key = f"{best.column} before {best.separator!r}" if best.separator else best.column
        reason = (
            f"{best.observed} of the {best.test_groups} values of {key} in test stand in train, where chance would "
            f"give {best.expected:.0f}, so whole groups are held out."
        )
    elif given is not None or overlapping:
        best = overlapping[0] if overlapping else GroupEvidence(columns[0], None, 5, 0, 0, 0.0)
        reason = f"Whole groups of {best.column} are held out, as was asked for."
    else:
        raise TaskError("--folds group: no column's values repeat; name the key column, --folds group:COLUMN.")
    count = max(2, min(n_splits or 5, best.groups))
    return FoldPlan("group", count, best.column, seed, reason, separator=best.separator)


def group_keys(values: pd.Series, separator: str | None) -> pd.Series:
    """The group of each row: the column itself, or a number for its text before the last separator; NaN if missing."""
    if separator is None:
        return values
    codes, uniques = pd.factorize(values)
    texts = pd.Series(uniques).astype(str)
    parts = texts.str.replace(rf"{re.escape(separator)}[^{re.escape(separator)}]*$", "", regex=True)
    keys, _ = pd.factorize(parts)
    return pd.Series(np.append(keys, -1)[codes], index=values.index).where(codes >= 0)


def group_codes(train: pd.DataFrame, plan: FoldPlan) -> np.ndarray:
    """The group of each row as (n,) int codes; each row with a missing key is a group by itself.

    Raises TaskError where the plan names no column of train.
    """
    keys = group_keys(plan_column(train, plan), plan.separator)
    codes, uniques = pd.factorize(keys)
    missing = codes < 0
    codes[missing] = len(uniques) + np.arange(missing.sum())
    return codes
