"""Recognises samples that ask for several quantiles of one target: the ends of an interval, or a column for each level.

A level is read from a column's name (q05, quantile_0.95, p10, 0.5, lower_90), or, where names only say lower and upper,
from the description.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medalist.competitions.errors import TaskError
from medalist.competitions.layout.quantile_names import (
    QuantileName,
    levels_of_digits,
    may_be_quantiles,
    parse_names,
    quantile_groups,
    share_of,
    uncertainty_of,
)
from medalist.competitions.task.coverage import coverages, named_levels, speaks_of_quantiles

ASSUMED_COVERAGE = 0.9  # share of values that an interval holds where nothing says how many
MOST_CROSSED = 0.01  # share of the sample's rows in which values may fall where levels rise
MOST_FALLING = 0.9  # the same where names can hardly mean anything but quantiles, and a sample may be random


@dataclass(frozen=True)
class Levels:
    """Quantile levels, ascending, the sample's column for each, the words that all columns share (such as the target's
    name), whether the columns are the ends of intervals, and notes on what was decided."""

    levels: tuple[float, ...]
    columns: tuple[str, ...]
    shared: tuple[str, ...]
    ends: bool
    notes: tuple[str, ...] = ()


def asks_for_quantiles(train: pd.DataFrame, predicted: Sequence[str], given: Sequence[float] | None) -> bool:
    """Whether the columns that a sample has beside its ids may be quantiles, or a value and its uncertainty, by their
    names alone; always where levels are `given`."""
    if given is not None:
        return True
    names_say = may_be_quantiles(predicted) or quantile_groups(predicted) or uncertainty_of(predicted)
    return bool(names_say) and not all(c in train.columns for c in predicted)


def quantiles_of(
    train: pd.DataFrame,
    sample: pd.DataFrame | None,
    predicted: Sequence[str],
    candidates: Sequence[str],
    description: str,
    given: Sequence[float] | None,
) -> tuple[str, Levels] | None:
    """(target, levels) where the columns `predicted` of a sample are quantiles of one of the `candidates` of train,
    else None; for `given` see `read_levels`. Raises TaskError where the target cannot be told, and for answers that are
    not predicted: see `refuse_other_answers`."""
    if given is None:
        refuse_other_answers(predicted, [c for c in predicted if c in train.columns])
    found = read_levels(predicted, sample, description, given)
    if found is None:
        return None
    numeric = [c for c in candidates if pd.api.types.is_numeric_dtype(train[c].dtype)]
    plain = {c: "".join(re.findall(r"[a-z0-9]+", c.lower())) for c in numeric}
    named = [c for c in numeric if c in predicted]
    by_name = [c for c in numeric if plain[c] == "".join(found.shared)]
    chosen = numeric if len(numeric) == 1 else named if len(named) == 1 else by_name
    if len(chosen) != 1:
        raise TaskError(
            f"The sample submission asks for quantiles ({', '.join(predicted[:6])}), but of which column of train "
            f"cannot be told ({', '.join(candidates[:6]) or 'none'}): name it with --target."
        )
    return chosen[0], found


def read_levels(
    columns: Sequence[str], sample: pd.DataFrame | None, description: str, given: Sequence[float] | None = None
) -> Levels | None:
    """The levels that a sample's columns beside its ids ask for; None where they are no quantiles.

    `given`: levels that a person has named, for the columns from the least to the greatest. Names decide, unless the
    sample's values fall where the levels rise; names that may mean something else (low, max, 10) need a description
    that speaks of quantiles or intervals, or a sample that is in order. Raises TaskError where `given` are too few or
    too many.
    """
    names = parse_names(columns)
    shared = tuple(w for w in names[0].rest if all(w in name.rest for name in names)) if names else ()
    by_side = any(name.side in ("lower", "upper") for name in names)
    found = None
    if may_be_quantiles(columns):
        found = _of_sides(names, description) if by_side else _of_digits(names, description)
    if given is not None:
        return _given(columns, names, tuple(given), shared, None if found is None else found[0])
    if found is None:
        return None
    levels, notes = found
    places = np.argsort(levels)
    ascending = tuple(float(levels[i]) for i in places)
    ordered = tuple(columns[i] for i in places)
    if len(set(ascending)) < len(ascending) or not all(0 < level < 1 for level in ascending):
        return None
    falls, rises = _order_of(sample, ordered)
    certain = all(name.certain or name.side == "middle" for name in names)
    if falls > (MOST_FALLING if certain else MOST_CROSSED):
        return None
    if not (certain or rises > 0.5 or speaks_of_quantiles(description, ends=by_side)):
        return None
    return Levels(ascending, ordered, shared, by_side, notes)


def _given(
    columns: Sequence[str],
    names: list[QuantileName],
    given: tuple[float, ...],
    shared: tuple[str, ...],
    by_names: list[float] | None,
) -> Levels:
    """The given levels for the columns, from the least to the greatest by their names, or else in their order.

    `by_names`: the levels that the names alone give, None where they give none.
    """
    if len(given) != len(columns):
        raise TaskError(
            f"levels: {len(given)} quantile levels are named ({', '.join(f'{q:g}' for q in given)}), but the sample "
            f"submission has {len(columns)} columns to predict ({', '.join(columns[:6])}); name one for each."
        )
    places = np.arange(len(columns)) if by_names is None else np.argsort(by_names, kind="stable")
    ends = any(name.side in ("lower", "upper") for name in names)
    return Levels(tuple(sorted(given)), tuple(columns[i] for i in places), shared, ends)


def _of_sides(names: list[QuantileName], description: str) -> tuple[list[float], tuple[str, ...]] | None:
    """(level of each column, notes) where names are lower and upper ends, with at most one in the middle."""
    lowers, uppers = ([n for n in names if n.side == side] for side in ("lower", "upper"))
    middle = [n for n in names if n.side in ("middle", "") and (n.side or not n.digits or share_of(n.digits) == 0.5)]
    if len(lowers) != len(uppers) or len(lowers) + len(uppers) + len(middle) != len(names) or len(middle) > 1:
        return None
    if sorted(n.digits for n in lowers) != sorted(n.digits for n in uppers):
        return None
    notes: tuple[str, ...] = ()
    cover: dict[str, float | None] = {n.digits: share_of(n.digits) if n.digits else None for n in lowers}
    if len(cover) != len(lowers):
        return None
    if None in cover.values():
        if len(lowers) > 1:
            return None
        said = coverages(description)
        ends = named_levels(description, len(names)) or named_levels(description, 2)
        if ends is not None and (not said or any(abs(ends[-1] - ends[0] - one) < 1e-6 for one in said)):
            inner = ends[1] if len(ends) == 3 else 0.5
            return [ends[0] if n in lowers else ends[-1] if n in uppers else inner for n in names], notes
        share = said[0] if said else ASSUMED_COVERAGE
        if not said:
            notes = (f"Nothing says how often the interval has to hold the value: {share:.0%} is assumed (--levels "
                     f"{(1 - share) / 2:g},{(1 + share) / 2:g} or levels: in task.yaml changes it).",)  # fmt: skip
        elif len(said) > 1:
            listed = ", ".join(f"{one:.4g}" for one in said[:4])
            notes = (f"The description names several coverages ({listed}): {share:.4g} is taken (--levels or "
                     f"levels: in task.yaml changes it).",)  # fmt: skip
        cover = dict.fromkeys(cover, share)
    levels = []
    for n in names:
        share = cover[n.digits] if n in lowers or n in uppers else 0.0  # type: ignore[assignment]
        sign = -1 if n in lowers else 1
        levels.append(round(0.5 + sign * share / 2, 9))
    return levels, notes


def _of_digits(names: list[QuantileName], description: str) -> tuple[list[float], tuple[str, ...]] | None:
    """(level of each column, notes) where names hold the levels; one column may be called the median."""
    middle = [n for n in names if n.side == "middle" or (not n.digits and not n.side)]
    numbered = [n for n in names if n.digits]
    if len(middle) > 1 or len(middle) + len(numbered) != len(names) or len(numbered) < 2:
        return None
    levels = levels_of_digits([n.digits for n in numbered])
    running = sorted(n.digits for n in numbered) == [str(i + 1) for i in range(len(numbered))]
    if levels is None or (running and not all(n.certain for n in numbered)):
        return None  # y_1, y_2, … are several targets
    listed = named_levels(description, len(names))
    if listed is not None and not middle and not any("." in n.digits for n in numbered):
        return [listed[i] for i in np.argsort(np.argsort(levels))], ()
    by_name = dict(zip((n.column for n in numbered), levels, strict=True))
    return [by_name.get(n.column, 0.5) for n in names], ()


def _order_of(sample: pd.DataFrame | None, columns: Sequence[str]) -> tuple[float, float]:
    """The shares of a sample's rows in which its values fall, and in which they only rise, from one of the columns to
    the next; (0, 0) where they are no numbers."""
    if sample is None or not len(sample) or not all(pd.api.types.is_numeric_dtype(sample[c].dtype) for c in columns):
        return 0.0, 0.0
    steps = np.diff(sample[list(columns)].head(5000).to_numpy(dtype=float), axis=1)
    falls = (steps < 0).any(axis=1)
    return float(falls.mean()), float((~falls & (steps > 0).any(axis=1)).mean())


def refuse_other_answers(columns: Sequence[str], named: Sequence[str]) -> None:
    """Raise TaskError where a sample asks for a value and its uncertainty, such as a standard deviation, or for
    quantiles of several targets. `named`: the columns that train has too."""
    uncertain = uncertainty_of(columns)
    if uncertain is not None and len(named) <= 1 and uncertain not in named:
        value = next(c for c in columns if c != uncertain)
        raise TaskError(
            f"The sample submission asks for {value} and for its uncertainty ({uncertain}), as a log likelihood "
            f"scores them, and medalist predicts values, probabilities and quantiles, but no uncertainty: take "
            f"{uncertain} out of the sample to have {value} alone predicted, and add it to the submission yourself."
        )
    groups = quantile_groups(columns)
    if len(groups) > 1:
        first = ", ".join(groups[0])
        raise TaskError(
            f"The sample submission asks for quantiles of {len(groups)} targets ({first}; "
            f"{', '.join(groups[1])}{'; …' if len(groups) > 2 else ''}), and medalist predicts those of one target at "
            f"a time: make a sample for each, the first with the ids and {first}, and put the submissions together."
        )
