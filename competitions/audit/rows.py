"""Audit of rows: duplicates in train and test, dependence of the target on row order, columns that only train has."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from medalist.competitions.audit.finding import Finding, Severity
from medalist.competitions.tables.precision import LARGEST_EXACT
from medalist.competitions.task.task import Task

MOST_CELLS, MOST_COLUMNS = 20_000_000, 200  # limits on train and test together, and on columns, of `rows_repeat`


def duplicate_rows(train: pd.DataFrame, test: pd.DataFrame, inputs: list[str], y: np.ndarray) -> Iterable[Finding]:
    """Up to two findings on duplicates: the share of test rows that equal a train row, and of train rows that repeat.

    Both report how often repeated train rows agree on the first target. `inputs`: the columns in which rows are
    compared; `y`: (n, T) targets of train.
    """
    if not inputs:
        return
    shared, codes, sizes = _equal_rows(train, test, inputs)
    repeated = float((sizes[codes] > 1).mean())
    if shared == 0.0 and repeated == 0.0:
        return
    known = ~np.isnan(y[:, 0])
    agree = _agreement(codes[known], y[known, 0]) if repeated > 0 else None
    targets = f", and repeated rows agree on the target in {agree:.0%} of cases" if agree is not None else ""
    if shared > 0:
        severity: Severity = "warning" if shared >= 0.01 and (agree is None or not 0.1 < agree < 0.9) else "info"
        yield Finding(
            "duplicates",
            severity,
            (),
            f"{shared:.2%} of the test rows equal a train row in all inputs{targets}.",
            shared,
        )
    if repeated > 0:
        yield Finding(
            "duplicates",
            "info",
            (),
            f"{repeated:.2%} of the train rows ({len(codes) - len(sizes)} beyond the first) repeat another{targets}.",
            repeated,
        )


def rows_repeat(train: pd.DataFrame, test: pd.DataFrame, columns: list[str], least: float) -> bool:
    """Whether at least the share `least` of the test rows equal a train row in all `columns`, and at least that share
    of the train rows another train row.

    Columns of numbers are compared first, since text is slow to hash and further columns can only make rows differ.
    False for tables of more than MOST_CELLS cells or MOST_COLUMNS columns, which are not compared.
    """
    if not 0 < len(columns) <= MOST_COLUMNS or len(columns) * (len(train) + len(test)) > MOST_CELLS:
        return False
    numeric = [n for n in columns if all(pd.api.types.is_numeric_dtype(t[n].dtype) for t in (train, test))]
    if numeric and len(numeric) < len(columns) and _equal_rows(train, test, numeric)[0] < least:
        return False
    shared, codes, sizes = _equal_rows(train, test, columns)
    return bool(shared >= least and (sizes[codes] > 1).mean() >= least)


def _equal_rows(train: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> tuple[float, np.ndarray, np.ndarray]:
    """(share of test rows that equal a train row, the group (n,) of equal rows of each train row, group sizes (g,))."""
    train_hashes, test_hashes = row_hashes(train, columns), row_hashes(test, columns)
    _, codes, sizes = np.unique(train_hashes, return_inverse=True, return_counts=True)
    shared = float(np.isin(test_hashes, train_hashes).mean()) if len(test_hashes) else 0.0
    return shared, codes, sizes


def row_hashes(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """A hash of each row over `columns`, (n,) uint64; a whole number has the same hash as an integer and as a float."""
    parts = {}
    rest = np.zeros(len(table), dtype=np.uint64)
    for i, name in enumerate(columns):
        values = table[name]
        if isinstance(values.dtype, pd.CategoricalDtype):
            values = values.astype(values.cat.categories.dtype)
        if pd.api.types.is_numeric_dtype(values.dtype):
            parts[i] = values.to_numpy(dtype=float, na_value=np.nan) + 0.0
            rest ^= _beyond_floats(values, parts[i]) * np.uint64(2 * i + 1)
        else:
            parts[i] = values.astype(object).where(values.notna(), None).map(str).to_numpy(dtype=object)
    return np.asarray(pd.util.hash_pandas_object(pd.DataFrame(parts), index=False).to_numpy()) ^ rest


def _beyond_floats(values: pd.Series, floats: np.ndarray) -> np.ndarray:
    """What float64 leaves out of each integer, scrambled, (n,) uint64: 0 for all up to 2**53 and for gaps."""
    if not pd.api.types.is_integer_dtype(values.dtype) or not np.nanmax(np.abs(floats), initial=0) >= LARGEST_EXACT:
        return np.zeros(len(values), dtype=np.uint64)
    gaps = np.isnan(floats)
    exact = values.fillna(0).to_numpy() if gaps.any() else values.to_numpy()
    near = np.where(gaps, 0.0, floats)
    rest = [(int(a) - int(b)) % (1 << 64) for a, b in zip(exact, near, strict=True)]
    return np.array(rest, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def _agreement(codes: np.ndarray, y: np.ndarray) -> float | None:
    """The share of pairs of successive rows of the same group (n,) whose targets (n,) are equal; None without pairs."""
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    return float((np.diff(y[order]) == 0)[same].mean()) if same.any() else None


def row_order(train: pd.DataFrame, task: Task, y: np.ndarray) -> Iterable[Finding]:
    """A finding where the target depends on the order of ids, or of rows where ids are no numbers. `y`: (n, T)."""
    order, what = np.arange(len(train)), "the order of the rows"
    columns: tuple[str, ...] = ()
    for name in task.id:
        if name in train.columns and pd.api.types.is_numeric_dtype(train[name].dtype) and train[name].is_unique:
            order, what, columns = np.argsort(train[name].to_numpy(), kind="stable"), f"the order of {name}", (name,)
            break
    drift, neighbours = order_effect(_indicators(y, task.is_classification)[order])
    timed = task.folds.scheme in ("time", "blocks")
    if drift > 0.005 or neighbours > 0.03:
        severity: Severity = "info" if timed or max(drift, neighbours) < 0.05 else "warning"
        why = "as a split in time makes likely" if timed else "so rows near each other are alike"
        yield Finding(
            "id order",
            severity,
            columns,
            f"The target follows {what} (segments explain {drift:.1%} of it, neighbours correlate by "
            f"{neighbours:.2f}), {why}.",
            max(drift, neighbours),
        )


def _indicators(y: np.ndarray, labels: bool, most: int = 10) -> np.ndarray:
    """The targets (n, T) as columns (n, m), m ≤ `most`: ranks of numbers, or indicators of the most frequent labels.

    Where a target is not measured (NaN) they are the mean of the others.
    """
    columns = []
    for target in y.T:
        known = ~np.isnan(target)
        if not labels:
            ranks = np.full(len(target), (known.sum() - 1) / 2)
            ranks[known] = np.argsort(np.argsort(target[known], kind="stable"), kind="stable")
            columns.append(ranks)
            continue
        values, counts = np.unique(target[known], return_counts=True)
        frequent = values[np.argsort(-counts, kind="stable")][: most if len(values) > 2 else 1]
        columns += [np.where(known, target == value, np.mean(target[known] == value)) for value in frequent]
    return np.column_stack(columns[:most])


def order_effect(ordered: np.ndarray, segments: int = 20) -> tuple[float, float]:
    """(drift, neighbours): how much columns (n, m) depend on the order of their rows, as the maxima over columns.

    `drift`: the share of variance between `segments` of equal length; `neighbours`: the correlation of successive rows.
    From both the value is subtracted that a random order hardly exceeds (expectation plus four standard errors); they
    are at least 0, and 0 where there are fewer than 10 rows for each segment.
    """
    n = len(ordered)
    if n < 10 * segments:
        return 0.0, 0.0
    centred = ordered - ordered.mean(axis=0)
    scale = (centred**2).mean(axis=0)
    usable = scale > 0
    if not usable.any():
        return 0.0, 0.0
    centred, scale = centred[:, usable], scale[usable]
    member = np.arange(n) * segments // n
    means = np.stack([centred[member == s].mean(axis=0) for s in range(segments)])
    between = ((means**2).mean(axis=0) / scale).max() - (segments + 4 * np.sqrt(2 * segments)) / n
    neighbours = ((centred[1:] * centred[:-1]).mean(axis=0) / scale).max() - 4 / np.sqrt(n)
    return max(0.0, float(between)), max(0.0, float(neighbours))


def train_only_columns(train: pd.DataFrame, task: Task, y: np.ndarray) -> Iterable[Finding]:
    """Findings on columns that test lacks: their names, which of them are a target in another form (one to one), and
    which determine a numeric target exactly as a weighted sum. `y`: (n, T) encoded targets."""
    names = [name for name in task.train_only if name in train.columns]
    if not names:
        return
    listed = ", ".join(names)
    numbers = [c for c in names if pd.api.types.is_numeric_dtype(train[c].dtype) and not train[c].isna().any()]
    for t, target in enumerate(task.targets):
        known = ~np.isnan(y[:, t])
        of_target, rows = y[known, t], train if known.all() else train[known]
        for name in names:
            codes = pd.factorize(rows[name])[0]
            pairs = len(np.unique(np.column_stack([codes, of_target]), axis=0))
            if pairs == codes.max() + 1 == len(np.unique(of_target)) and (codes >= 0).all():
                message = f"{name}, which test lacks, is {target} in another form."
                yield Finding("train only", "info", (name,), message, 1.0)
        if len(numbers) < 2 or task.is_classification:
            continue
        matrix = np.column_stack([*(rows[c].to_numpy(dtype=float) for c in numbers), np.ones(len(rows))])
        weights = np.linalg.lstsq(matrix, of_target, rcond=None)[0]
        total = max(((of_target - of_target.mean()) ** 2).sum(), 1e-300)
        rest = float(((of_target - matrix @ weights) ** 2).sum() / total)
        if rest < 1e-6:
            used = tuple(c for c, weight in zip(numbers, weights, strict=False) if abs(weight) > 1e-6)
            plain = all(abs(weight - 1) < 1e-6 for weight in weights[:-1] if abs(weight) > 1e-6)
            how = f"add up to {target}" if plain else f"give {target} exactly as a weighted sum"
            yield Finding("train only", "info", used, f"{' and '.join(used)}, which test lacks, {how}.", 1.0 - rest)
    yield Finding("train only", "info", tuple(names), f"Only train has {listed}: they cannot be inputs.", None)
