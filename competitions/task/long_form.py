"""Which column of train, or which class, each key of a long submission stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.layout.long_ids import LongIds
from medalist.competitions.metrics.reading.text import LONGEST_TEXT, clean
from medalist.competitions.task.labels import class_labels, find_label, named_classes
from medalist.competitions.task.levels import asks_for_quantiles, quantiles_of

_ASKED = "The submission has a row for each test row and"
_CHANGES = "row_keys: in task.yaml changes it"
_MANY = 2000  # most distinct values of a column that are taken for classes


@dataclass(frozen=True)
class LongForm:
    """What a long submission asks for: `targets`, and `long`, whose keys stand for them in their order; one target
    and, in the order of its sorted labels, the keys of its classes (`class_keys`); or one target and the ascending
    `levels` of its quantiles, which the keys of `long` stand for in their order."""

    targets: tuple[str, ...]
    long: LongIds
    class_keys: tuple[str, ...] = ()
    levels: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def read_long_form(
    train: pd.DataFrame,
    long: LongIds,
    candidates: Sequence[str],
    given: Sequence[str] | None,
    row_keys: Mapping[str, Any] | None,
    description: str,
    levels: Sequence[float] | None = None,
) -> LongForm:
    """What the keys of a long submission stand for: as `row_keys` (key → target or class) say, else by the description,
    by names, by quantile levels, by the classes of a target, or by the order of the targets in train.

    `levels`: those that a person has named.

    `candidates`: columns that only train has; `given`: the targets that a person has named, in the order of the keys.
    Raises TaskError, naming the flag that settles it, where that is open.
    """
    columns = list(given) if given else list(candidates)
    long, sequence = _arranged(long)
    shown = ", ".join(long.keys[:6]) + (" …" if len(long.keys) > 6 else "")
    if row_keys is not None:
        return _as_given(train, long, columns, row_keys)
    for found, how in (
        (_by_legend(long.keys, columns, description), ", as the description says"),
        (_by_names(long.keys, columns), ""),
    ):
        if found is not None:
            keys = tuple(key for _, key in sorted((columns.index(c), key) for key, c in found.items()))
            targets = tuple(found[key] for key in keys)
            note = f"{_ASKED} target ({_pairs(keys, targets)}){how}."
            return LongForm(targets, replace(long, keys=keys), notes=(note,))
    quantiles = None
    if asks_for_quantiles(train, long.keys, levels):
        quantiles = quantiles_of(train, None, long.keys, columns, description, levels)
    if quantiles is not None:
        target, asked = quantiles
        note = f"{_ASKED} quantile of {target} ({shown})."
        return LongForm((target,), replace(long, keys=asked.columns), levels=asked.levels, notes=(note, *asked.notes))
    for column in columns:
        if 2 <= train[column].nunique() <= _MANY:
            matched = named_classes(long.keys, class_labels(train[column]))
            if matched is not None:
                more = [key for key in long.keys if key not in matched]
                notes = [f"{_ASKED} class of {column} ({shown})."]
                if more:
                    notes.append(
                        f"No row of train has the class {', '.join(more[:6])}: the probability 0 is submitted."
                    )
                return LongForm((column,), replace(long, keys=(*matched, *more)), matched, notes=tuple(notes))
    if len(columns) == len(long.keys) and (sequence or given):
        order = "the targets that were named" if given else "the columns of train"
        note = f"{_ASKED} target, named in the order of {order}: {_pairs(long.keys, columns)} ({_CHANGES})."
        return LongForm(tuple(columns), long, notes=(note,))
    if len(columns) == 1 and train[columns[0]].nunique() == len(long.keys) and sequence:
        labels = class_labels(train[columns[0]])
        note = f"{_ASKED} class of {columns[0]}, named in their order: {_pairs(long.keys, labels)} ({_CHANGES})."
        return LongForm((columns[0],), long, long.keys, notes=(note,))
    raise TaskError(
        f"The sample submission has {len(long.keys)} rows for each row of test ({shown}), and which columns of train "
        f"these are cannot be told (only in train: {', '.join(columns[:6]) or 'none'}): name them, in the order of "
        f"the rows, with --target."
    )


def _arranged(long: LongIds) -> tuple[LongIds, bool]:
    """(the form with its keys in their natural order, whether they are a sequence): numbers, names that end with
    numbers, or single letters; other keys stay in the order in which the sample has them."""
    sequence = all(_number(key) is not None for key in long.keys) or all(len(key) == 1 for key in long.keys)
    return (replace(long, keys=tuple(sorted(long.keys, key=_in_order))) if sequence else long), sequence


def _as_given(train: pd.DataFrame, long: LongIds, columns: Sequence[str], row_keys: Mapping[str, Any]) -> LongForm:
    """The form where a person says what each key stands for. Raises TaskError for what is no target and no class."""
    given_keys = {str(key): value for key, value in row_keys.items()}
    absent = [key for key in long.keys if key not in given_keys]
    unknown = [key for key in given_keys if key not in long.keys]
    targets = all(str(value) in columns for value in given_keys.values())
    if unknown or (absent and targets):
        problem = f"names {unknown[0]!r}" if unknown else f"leaves out {absent[0]!r}"
        raise TaskError(f"row_keys: it {problem}; the rows of the sample are named {', '.join(long.keys[:6])}.")
    if targets:
        keys = tuple(sorted(given_keys, key=lambda key: list(columns).index(str(given_keys[key]))))
        if len(set(map(str, given_keys.values()))) == len(keys):
            return LongForm(tuple(str(given_keys[key]) for key in keys), replace(long, keys=keys))
    if len(columns) == 1:
        labels = class_labels(train[columns[0]])
        by_label = {find_label(labels, value): key for key, value in given_keys.items()}
        if set(by_label) == set(labels):
            keys = tuple(by_label[label] for label in labels)
            return LongForm((columns[0],), replace(long, keys=(*keys, *absent)), keys)
    raise TaskError(
        f"row_keys: each key needs a target of its own ({', '.join(map(str, columns[:6]))}), or a class of one target."
    )


def _by_names(keys: Sequence[str], columns: Sequence[str]) -> dict[str, str] | None:
    """The column of each key where the names of as many columns are keys, end with them or begin with them."""
    matched = named_classes(columns, keys)
    if matched is None and len(columns) == len(keys):  # air_pressure for AirPressure
        plain = {re.sub(r"[\W_]", "", column.casefold()): column for column in columns}
        alike = [plain.get(re.sub(r"[\W_]", "", key.casefold()), "") for key in keys]
        matched = tuple(alike) if all(alike) and len(set(alike)) == len(keys) else None
    return None if matched is None else dict(zip(keys, matched, strict=True))


def _by_legend(keys: Sequence[str], columns: Sequence[str], description: str) -> dict[str, str] | None:
    """The column of each key by the words of a description: "0 is price", "price (0)", a table of keys and columns."""
    if not description or len(keys) > len(columns) or len(keys) * len(columns) > 4000:
        return None
    text = " ".join(clean(line) + " ." for line in description[:LONGEST_TEXT].splitlines())
    found: dict[str, str] = {}
    for key in keys:
        one = rf"(?<![\w.])[\"'“‘`]?{re.escape(key)}[\"'”’`]?(?!\w|\.\d)"
        links = r"\bis\b|=|:|–|—|→|->|\|"
        after = rf"{one}\s*(?:{links}|\bfor\b|\bmeans\b|-|\)|\.)\s*(?:the )?[\"'“‘`]?"
        before = rf"[\"'”’`]?\s*(?:{links}|\bhas\b|\()\s*(?:the )?(?:number |no\. ?)?{one}"
        hits = [c for c in columns if re.search(rf"{after}{_name(c)}|{_name(c)}{before}", text)]
        if len(hits) != 1:
            return None
        found[key] = hits[0]
    return found if len(set(found.values())) == len(keys) else None


def _name(column: str) -> str:
    """A regular expression for a column's name as a word."""
    return rf"(?<!\w){re.escape(column)}(?!\w)"


def _number(key: str) -> float | None:
    """The number that ends a key, as 3 in "t3"; None for none."""
    match = re.search(r"(\d+)$", key)
    return float(match[1]) if match else None


def _in_order(key: str) -> tuple[float, str]:
    """A key by which numbers sort before texts, by size."""
    number = _number(key)
    return (float("inf") if number is None else number, key)


def _pairs(keys: Sequence[str], named: Sequence[Any]) -> str:
    """Keys and what they stand for, for a note."""
    shown = ", ".join(f"{key} = {name}" for key, name in list(zip(keys, named, strict=False))[:6])
    return shown + (" …" if len(keys) > 6 else "")
