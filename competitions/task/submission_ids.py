"""Which columns of test identify the rows of a submission, and what the sample calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.layout.id_match import id_columns, match_ids, same_ids_in_order


def ids_of_rows(
    train: pd.DataFrame,
    test: pd.DataFrame,
    sample: pd.DataFrame | None,
    lacking: tuple[str, ...],
    given: Sequence[str] | None,
    targets: Sequence[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The id columns of test and their names in the sample. Raises TaskError where they cannot be inferred."""
    if given is not None:
        return _given_ids(test, sample, given, targets)
    if sample is None:
        unique = [c for c in test.columns if c not in lacking and c in train.columns and _key_like(test[c])]
        named = [c for c in unique if re.search(r"(?:^|[^a-z])id(?:$|[^a-z])|id$", c, re.IGNORECASE)]
        if len(named) == 1 or len(unique) == 1:
            chosen = (named if len(named) == 1 else unique)[0]
            return (chosen,), (chosen,)
        if not unique:
            return (), ()  # nothing could be named: rows are told by their order
        raise TaskError(
            f"Which column identifies the rows of test cannot be told (unique: {listed(unique)}): name it with --id."
        )
    keys = tuple(c for c in sample.columns if c in test.columns and c not in lacking and c not in targets)
    if keys:
        keys = id_columns(sample, test, keys)
        return keys, keys
    rest = [c for c in sample.columns if c not in lacking and c not in targets]
    match = match_ids(sample, test, (), rest) if rest else None
    if match is not None and match.renamed:
        return tuple(a for a, _ in match.renamed if a), tuple(b for _, b in match.renamed)
    if len(sample) == len(test):
        row_number = (
            rest[:1] if rest and len(sample.columns) > 1 and sample[rest[0]].is_unique and len(sample) > 1 else []
        )
        return (), tuple(row_number)
    raise TaskError("No column of the sample submission identifies the rows of test: name the id column with --id.")


def _given_ids(
    test: pd.DataFrame, sample: pd.DataFrame | None, given: Sequence[str], targets: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The id columns of test that a person names, and the sample's columns for them. Raises TaskError."""
    for name in given:
        if name not in test.columns:
            raise TaskError(f"--id: {name!r} is no column of test; write one of {listed(list(test.columns))}.")
    if sample is None or all(name in sample.columns for name in given):
        return tuple(given), tuple(given)
    renamed = [c for c in sample.columns if c not in targets][: len(given)]
    if len(renamed) < len(given):
        raise TaskError(f"--id: the sample submission has no column for {listed(list(given))}.")
    return tuple(given), tuple(renamed)


def _key_like(values: pd.Series) -> bool:
    """Whether a column can identify rows: unique, nothing missing, no decimals."""
    if not values.is_unique or bool(values.isna().any()):
        return False
    return not pd.api.types.is_float_dtype(values.dtype) or bool((values % 1 == 0).all())


def refuse_repeated(
    test: pd.DataFrame, ids: tuple[str, ...], sample: pd.DataFrame | None = None, sample_ids: tuple[str, ...] = ()
) -> None:
    """Raises TaskError where ids repeat in test, unless the sample has them in the same order."""
    repeated = int(test.duplicated(list(ids)).sum()) if ids else 0
    if repeated and (sample is None or not same_ids_in_order(test, sample, ids, sample_ids)):
        raise TaskError(
            f"{repeated} ids repeat in test ({', '.join(ids)}): name the columns that together tell the rows apart, "
            f"with commas, with --id."
        )


def listed(names: Sequence[object], most: int = 6) -> str:
    """Names for a message: the first ones, and how many there are beyond."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "") if names else "none"
