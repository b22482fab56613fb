"""Families of similar columns, whose values in a row can be sorted, counted and compared with each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MIN_COLUMNS = 3  # columns in a family, at least
MIN_OVERLAP = 0.8  # `overlap` of the ranges of a family's columns, at least
MAX_DISTINCT_RATIO = 2  # ratio of the numbers of distinct values of two columns of a family, at most
MIN_ZEROS = 0.3  # share of zeros, above which a column is sparse
_STEM = re.compile(r"[\d_.\- ]+$|^[\d_.\- ]+")


@dataclass(frozen=True)
class Profile:
    """A summary of a column's numbers.

    low, high: quantiles at 1 and 99 %. distinct: number of distinct values. whole: whether all are whole numbers.
    zeros: share of values that are 0.
    """

    low: float
    high: float
    distinct: int
    whole: bool
    zeros: float


def profile_of(values: np.ndarray) -> Profile:
    """The profile of (n,) numbers, NaN where missing."""
    present = values[np.isfinite(values)]
    if not len(present):
        return Profile(0.0, 0.0, 0, True, 0.0)
    low, high = np.quantile(present, [0.01, 0.99])
    return Profile(
        float(low), float(high), len(np.unique(present)), not (present % 1).any(), float((present == 0).mean())
    )


def families(profiles: Mapping[str, Profile]) -> list[tuple[str, ...]]:
    """Families of at least MIN_COLUMNS columns, as names in the order of `profiles`. A column may be in several.

    Columns are a family where their values cover the same range with about as many distinct values, where their names
    differ in a number only (`s1`, `s2` …) and both hold whole numbers or both do not, or where many of their values
    are 0.
    """
    names = list(profiles)
    groups = [*_of_one_range(names, profiles), *_numbered(names, profiles), _sparse(names, profiles)]
    return list(dict.fromkeys(tuple(members) for members in groups if len(members) >= MIN_COLUMNS))


def _of_one_range(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[list[str]]:
    groups: list[list[str]] = []
    for name in names:
        group = next((g for g in groups if _have_one_range(profiles[g[0]], profiles[name])), None)
        if group is None:
            groups.append([name])
        else:
            group.append(name)
    return groups


def _have_one_range(a: Profile, b: Profile) -> bool:
    fewer, more = sorted((a.distinct, b.distinct))
    return a.whole == b.whole and fewer > 0 and more <= MAX_DISTINCT_RATIO * fewer and overlap(a, b) >= MIN_OVERLAP


def overlap(a: Profile, b: Profile) -> float:
    """The intersection of two columns' ranges divided by their union; negative where the ranges are disjoint."""
    common, joint = min(a.high, b.high) - max(a.low, b.low), max(a.high, b.high) - min(a.low, b.low)
    return common / joint if joint > 0 else -1.0


def _numbered(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[list[str]]:
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        stem = _STEM.sub("", name)
        if stem != name and profiles[name].distinct:
            groups.setdefault((stem, profiles[name].whole), []).append(name)
    return list(groups.values())


def _sparse(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[str]:
    return [n for n in names if profiles[n].zeros > MIN_ZEROS and profiles[n].low >= 0 and profiles[n].distinct > 2]
