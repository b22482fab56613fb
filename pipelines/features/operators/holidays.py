"""Public holidays of the country that a column names, by the library `holidays`.

A country is named in English or by its ISO 3166 code; other values, and missing dates, give a missing number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.language.operator import Kind, Operator, Output
from medalist.pipelines.features.lazy import np, pd

_ALSO_CALLED = {
    "usa": "US", "us": "US", "unitedstatesofamerica": "US", "america": "US", "uk": "GB", "greatbritain": "GB",
    "england": "GB", "korea": "KR", "republicofkorea": "KR", "southkorea": "KR", "russianfederation": "RU",
    "czechrepublic": "CZ", "holland": "NL", "turkiye": "TR", "vietnam": "VN", "viet nam": "VN", "ivorycoast": "CI",
    "uae": "AE", "macedonia": "MK", "burma": "MM", "swaziland": "SZ", "capeverde": "CV",
}  # fmt: skip
_AROUND = 1  # years before the first and after the last date of which holidays are known, for the next one and the last


def country_code(text: object) -> str | None:
    """The ISO 3166 code of the country that a text names, in English or by a code of two or three letters; None for
    none whose holidays are known."""
    word = "".join(letter for letter in str(text).casefold() if letter.isalpha())
    return _ALSO_CALLED.get(word) or _codes().get(word)


@cache
def _codes() -> dict[str, str]:
    """Names and codes in lower case without spaces → code."""
    from holidays.registry import COUNTRIES

    found: dict[str, str] = {}
    for module, (name, two, three, *_) in COUNTRIES.items():
        for word in (name, module.replace("_", ""), two, three):
            found.setdefault(word.casefold(), two)
    return found


def holiday(frame: Frame, feature: Feature) -> np.ndarray:
    """Whether a date is a public holiday of the row's country: 1 or 0."""
    return _by_country(frame, feature, lambda days, free: np.isin(days, free).astype(float))


def until_holiday(frame: Frame, feature: Feature) -> np.ndarray:
    """Days until the next public holiday of the row's country, 0 on one."""
    return _by_country(frame, feature, lambda days, free: free[np.searchsorted(free, days)] - days)


def since_holiday(frame: Frame, feature: Feature) -> np.ndarray:
    """Days since the last public holiday of the row's country, 0 on one."""
    return _by_country(frame, feature, lambda days, free: days - free[np.searchsorted(free, days, side="right") - 1])


def which_holiday(frame: Frame, feature: Feature) -> np.ndarray:
    """Which public holiday of the row's country a date is, by its name; 0 on other days."""

    def names() -> dict[str, int]:
        years = _years(frame, feature)
        spoken = {name for code in _countries(frame, feature)[1] for name in _holidays(code, years).values()}
        return {name: k + 1 for k, name in enumerate(sorted(spoken))}

    number = frame.cached(("holiday names", *feature.args), lambda: list(names().items()))
    of_name = dict(number)

    def codes(days: np.ndarray, free: np.ndarray, named: dict[int, str]) -> np.ndarray:
        del free
        present, which = np.unique(days, return_inverse=True)
        return np.array([of_name.get(named.get(int(day), ""), 0) for day in present], dtype=float)[which]

    return _by_country(frame, feature, codes, with_names=True)


def _by_country(
    frame: Frame, feature: Feature, of: Callable[..., np.ndarray], *, with_names: bool = False
) -> np.ndarray:
    """(n,) `of` (days since 1970 (k,), ascending days of the holidays (h,)) for the rows of each country."""
    dates = frame.date(feature.args[0])
    day = dates.astype("datetime64[D]").astype(np.int64)
    place, codes = _countries(frame, feature)
    years = _years(frame, feature)
    out = np.full(frame.n, np.nan)
    for k, code in enumerate(codes):
        rows = (place == k) & ~np.isnat(dates)
        named = _holidays(code, years) if rows.any() else {}
        if named:
            free = np.array(sorted(named), dtype=np.int64)
            out[rows] = of(day[rows], free, named) if with_names else of(day[rows], free)
    return out


def _countries(frame: Frame, feature: Feature) -> tuple[np.ndarray, list[str]]:
    """(n,) the place of each row's country in a list of codes, -1 where it is none; and that list."""
    node: Node = feature.args[1]
    if not isinstance(node, Column):
        raise PipelineError(f"{feature} needs a column of countries, not {node}.")

    def make() -> tuple[np.ndarray, list[str]]:
        values, texts = pd.factorize(frame.column(node.name).astype(object))
        found = [country_code(text) for text in texts]
        listed = sorted({code for code in found if code is not None})
        place = np.array([-1 if code is None else listed.index(code) for code in found] + [-1])
        return place[values], listed

    return frame.cached(("countries", node), make)


def _years(frame: Frame, feature: Feature) -> tuple[int, ...]:
    """The years of the dates of the whole table, and those around them."""
    dates = frame.date(feature.args[0])
    present = dates[~np.isnat(dates)]
    if not len(present):
        return ()
    first, last = (int(d.astype("datetime64[Y]").astype(int)) + 1970 for d in (present.min(), present.max()))
    return tuple(range(first - _AROUND, min(last, first + 150) + _AROUND + 1))


@cache
def _holidays(code: str, years: tuple[int, ...]) -> dict[int, str]:
    """Days since 1970 → name, of the public holidays of a country in these years."""
    from holidays import country_holidays

    found = country_holidays(code, years=list(years), language=None) if years else {}
    return {int(np.datetime64(day, "D").astype(int)): str(name) for day, name in found.items()}


def _operator(compute: Callable[..., Any], words: str, example: str, gives: Output = "number") -> Operator:
    kind: Kind = "transductive" if gives == "category" else "stateless"
    return Operator(kind, ("date", "key"), gives, compute, words, example, numbered=gives == "category")


OPERATORS = {
    "holiday": _operator(holiday, "whether {0} is a public holiday of {1}", "holiday(day, city)"),
    "until_holiday": _operator(
        until_holiday, "days from {0} to the next public holiday of {1}", "until_holiday(day, city)"
    ),
    "since_holiday": _operator(
        since_holiday, "days from the last public holiday of {1} to {0}", "since_holiday(day, city)"
    ),
    "which_holiday": _operator(
        which_holiday, "which public holiday of {1} {0} is", "which_holiday(day, city)", "category"
    ),
}
