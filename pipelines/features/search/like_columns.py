"""Families of like columns: what a row's values can be sorted, counted and compared over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 3  # columns in a family
OVERLAP = 0.8  # of the middle of their ranges, for columns to be alike
_STEM = re.compile(r"[\d_.\- ]+$|^[\d_.\- ]+")


@dataclass(frozen=True)
class Profile:
    """What a column's numbers are like: quantiles at 1 and 99 %, distinct values, all whole or not, share of zeros."""

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
    """Groups of three columns or more that are of one sort, in the order of the table.

    Columns belong together where their values cover the same range in the same grain, where they are numbered (`s1`,
    `s2` …) and both whole or both not, or where all of them are zero in most rows.
    """
    names = list(profiles)
    found: dict[tuple[str, ...], None] = {}
    for group in (_alike(names, profiles), _numbered(names, profiles), [_sparse(names, profiles)]):
        for members in group:
            if len(members) >= LEAST:
                found[tuple(members)] = None
    return list(found)


def _alike(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[list[str]]:
    groups: list[list[str]] = []
    for name in names:
        own = profiles[name]
        home = next((g for g in groups if _like(profiles[g[0]], own)), None)
        if home is None:
            groups.append([name])
        else:
            home.append(name)
    return groups


def _like(a: Profile, b: Profile) -> bool:
    if (
        a.whole != b.whole
        or not min(a.distinct, b.distinct)
        or max(a.distinct, b.distinct) > 2 * min(a.distinct, b.distinct)
    ):
        return False
    return overlap(a, b) >= OVERLAP


def overlap(a: Profile, b: Profile) -> float:
    """The share of the range of both columns that they have in common; below 0 where they are apart."""
    common, all_of_it = min(a.high, b.high) - max(a.low, b.low), max(a.high, b.high) - min(a.low, b.low)
    return common / all_of_it if all_of_it > 0 else -1.0


def _numbered(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[list[str]]:
    groups: dict[tuple[str, bool], list[str]] = {}
    for name in names:
        stem = _STEM.sub("", name)
        if stem != name and profiles[name].distinct:
            groups.setdefault((stem, profiles[name].whole), []).append(name)
    return list(groups.values())


def _sparse(names: Sequence[str], profiles: Mapping[str, Profile]) -> list[str]:
    return [n for n in names if profiles[n].zeros > 0.3 and profiles[n].low >= 0 and profiles[n].distinct > 2]
