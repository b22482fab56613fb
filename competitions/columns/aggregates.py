"""Several rows of inputs for each id as one row of aggregates, with plain statistics and, in time, the last values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from medalist.competitions.columns.dates import parse_dates

MOST_COLUMNS = 400  # of aggregates; where there would be more, each column gets fewer statistics
_SETS = (  # of a number, the richest first
    ("mean", "std", "min", "max", "last", "change"),
    ("mean", "std", "last", "change"),
    ("mean", "last"),
    ("mean",),
)
_LEVELS = 12  # most distinct values of a text column, each of whose shares becomes a column
_DAY = 86_400.0


def aggregate_rows(table: pd.DataFrame, ids: Sequence[str], taken: Sequence[str] = ()) -> tuple[pd.DataFrame, str]:
    """(one row of aggregates for each id, how the rows were put in order).

    The first has the columns `ids`, each combination once, in the order in which they appear, then `rows`, the count
    of rows, and for each other column of `table`: mean, standard deviation, minimum, maximum, last known value and its
    difference from the first one for numbers; last value, count of distinct values, share of the most frequent one and,
    for few levels, share of each one for text; the last one and the days between first and last for dates. Statistics
    are of the known values, NaN where there is none. Columns that would be constant and texts that name the rows are
    left out; no column has a name out of `taken`. At most about MOST_COLUMNS columns. The order is that of the first
    column of dates in which the rows of an id differ, else of a column that counts them, else of the table.
    """
    codes, keys = _group(table, ids)
    names = [str(c) for c in table.columns if c not in ids and not _names_rows(table, str(c), ids)]
    dates = {c: t for c in names if (t := parse_dates(table[c])) is not None and _differs(t, codes)}
    numbers = [c for c in names if c not in dates and _is_number(table[c])]
    ordered_by, position = _order(table, codes, dates, numbers)
    order = np.lexsort((position, codes)) if position is not None else np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    rows = np.diff(np.r_[starts, len(order)])
    budget = MOST_COLUMNS - 3 * (len(names) - len(numbers))
    statistics = next((s for s in _SETS if len(s) * len(numbers) <= budget), _SETS[-1])
    shares = _LEVELS * (len(names) - len(numbers)) <= MOST_COLUMNS // 2
    made: dict[str, np.ndarray] = {"rows": rows}
    for name in names:
        if name in dates:
            made |= _of_dates(name, dates[name].to_numpy("datetime64[s]")[order], starts)
        elif name in numbers:
            values = table[name].to_numpy(dtype=float, na_value=np.nan)[order]
            computed = _of_numbers(values, starts, rows, statistics)
            if "min" in computed and bool((computed["min"] == computed["max"])[rows > 0].all()):
                computed = {"mean": computed["mean"]}  # a property of the id, the same in all of its rows
            made |= {f"{name}_{k}": v for k, v in computed.items()}
        else:
            made |= _of_text(name, table[name].iloc[order], starts, rows, shares)
    columns = {}
    for name, values in made.items():
        if pd.Series(values).nunique(dropna=False) > 1:
            label = name if name not in taken and name not in ids else f"{name}_of_rows"
            columns[label] = values
    result = keys.copy()
    for name, values in columns.items():
        result[name] = np.asarray(values)
    return result, ordered_by


def _group(table: pd.DataFrame, ids: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """(code of each row's id, (n,) int64 in the order of appearance; the ids, one row for each code)."""
    if len(ids) == 1:
        codes, _ = pd.factorize(table[ids[0]], use_na_sentinel=False)
    else:
        grouped = table.groupby(list(ids), sort=False, dropna=False).ngroup()
        codes, _ = pd.factorize(grouped)
    first = np.r_[True, np.maximum.accumulate(codes)[1:] > np.maximum.accumulate(codes)[:-1]] if len(codes) else []
    return codes.astype(np.int64), table.loc[np.asarray(first, dtype=bool), list(ids)].reset_index(drop=True)


def _names_rows(table: pd.DataFrame, name: str, ids: Sequence[str]) -> bool:
    """Whether a column of text has another value in each row of an id, and hardly one for several ids."""
    if _is_number(table[name]) or table[name].iloc[:200].nunique() < 0.9 * min(len(table), 200):
        return False
    return 3 * table[name].nunique() > len(table) and not bool(table.duplicated([*ids, name]).any())


def _is_number(values: pd.Series) -> bool:
    return bool(types.is_numeric_dtype(values.dtype))  # booleans too: a share of true ones


def _differs(times: pd.Series, codes: np.ndarray) -> bool:
    """Whether dates differ between the rows of an id, so that they are no property of it."""
    stamps = times.to_numpy("datetime64[s]").astype(np.int64)
    first = np.zeros(codes.max() + 1, dtype=np.int64)
    first[codes[::-1]] = stamps[::-1]
    return bool((stamps != first[codes]).any())


def _order(
    table: pd.DataFrame, codes: np.ndarray, dates: dict[str, pd.Series], numbers: Sequence[str]
) -> tuple[str, np.ndarray | None]:
    """(what the rows are ordered by, in words; the position of each row, None for the order of the table)."""
    for name, times in dates.items():
        return f"by {name}", times.to_numpy("datetime64[s]").astype(np.int64)
    for name in numbers:
        values = table[name]
        if types.is_bool_dtype(values.dtype) or values.isna().any():
            continue
        position = values.to_numpy(dtype=float)
        if _counts(position, codes):
            return f"by {name}", position
    return "in the order of the file", None


def _counts(position: np.ndarray, codes: np.ndarray) -> bool:
    """Whether numbers count the rows of each id: whole, in steps of one, each once."""
    if (position[:1000] % 1 != 0).any() or (position % 1 != 0).any():
        return False
    order = np.lexsort((position, codes))
    steps = np.diff(position[order])[np.diff(codes[order]) == 0]
    return bool(len(steps)) and bool((steps == 1).mean() > 0.95) and bool((steps > 0).all())


def _of_numbers(
    values: np.ndarray, starts: np.ndarray, rows: np.ndarray, statistics: Sequence[str]
) -> dict[str, np.ndarray]:
    """Statistics (k,) of `values` (n,), whose k groups begin at `starts` and have `rows` values."""
    known = np.isfinite(values)
    count = np.add.reduceat(known, starts, dtype=np.int64).astype(float)
    count[count == 0] = np.nan
    filled = np.where(known, values, 0.0)
    mean = np.add.reduceat(filled, starts) / count
    made = {"mean": mean}
    if "std" in statistics:
        deviations = np.where(known, values - np.repeat(mean, rows), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(np.add.reduceat(deviations**2, starts) / (count - 1))
        made["std"] = np.where(count > 1, spread, np.nan)
    if "min" in statistics:
        made["min"] = np.fmin.reduceat(np.where(known, values, np.nan), starts)
        made["max"] = np.fmax.reduceat(np.where(known, values, np.nan), starts)
    if "last" in statistics:
        place = np.arange(len(values))
        last = np.maximum.reduceat(np.where(known, place, -1), starts)
        made["last"] = np.where(last >= 0, values[last], np.nan)
        if "change" in statistics:
            first = np.minimum.reduceat(np.where(known, place, len(values)), starts)
            made["change"] = np.where(last > first, made["last"] - values[np.minimum(first, len(values) - 1)], np.nan)
    return {name: made[name] for name in statistics}


def _of_dates(name: str, times: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
    """The last date as ISO 8601 text, and the days from first to last, of each group."""
    known = ~np.isnat(times)
    seconds = np.where(known, times.astype(np.int64).astype(float), np.nan)
    first, last = np.fmin.reduceat(seconds, starts), np.fmax.reduceat(seconds, starts)
    stamps = pd.Series(pd.to_datetime(last, unit="s"))
    whole = bool((stamps.dropna() == stamps.dropna().dt.normalize()).all())
    text = stamps.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S")
    return {f"{name}_last": text.to_numpy(dtype=object), f"{name}_days": (last - first) / _DAY}


def _of_text(name: str, values: pd.Series, starts: np.ndarray, rows: np.ndarray, shares: bool) -> dict[str, np.ndarray]:
    """Last known value, count of distinct values, and shares of values, of each group; `shares`: of each level too."""
    codes, levels = pd.factorize(values)
    known = codes >= 0
    group = np.repeat(np.arange(len(starts)), rows)
    last = np.maximum.reduceat(np.where(known, np.arange(len(codes)), -1), starts)
    shown = np.append(np.asarray(levels, dtype=object), np.nan)
    made: dict[str, np.ndarray] = {f"{name}_last": shown[np.where(last >= 0, codes[last], -1)]}
    pairs, counts = np.unique(group[known] * max(len(levels), 1) + codes[known], return_counts=True)
    owner = pairs // max(len(levels), 1)
    total = np.bincount(owner, weights=counts, minlength=len(starts))
    distinct = np.bincount(owner, minlength=len(starts)).astype(float)
    if (distinct > 1).any():
        most = np.zeros(len(starts))
        np.maximum.at(most, owner, counts)
        with np.errstate(divide="ignore", invalid="ignore"):
            made[f"{name}_distinct"] = distinct
            made[f"{name}_top_share"] = np.where(total > 0, most / total, np.nan)
            if shares and len(levels) <= _LEVELS:
                of = pairs % len(levels)
                for code, level in enumerate(levels if len(levels) > 2 else levels[:1]):
                    share = np.zeros(len(starts))
                    share[owner[of == code]] = counts[of == code]
                    made[f"{name}_share_{level}"] = np.where(total > 0, share / total, np.nan)
    return made
