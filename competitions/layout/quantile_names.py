"""Columns that are named after quantiles of a value: q05, quantile_0.95, p10, 0.5, lower_90, grams_upper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

_CERTAIN_LOWER = {"lower", "lwr", "lb", "lbound", "lcl", "untere", "unterer", "untergrenze", "inferior", "inférieure",
                  "inferieure", "inferiore", "нижняя"}  # fmt: skip
_CERTAIN_UPPER = {"upper", "upr", "ub", "ubound", "ucl", "obere", "oberer", "obergrenze", "superior", "supérieure",
                  "superieure", "superiore", "верхняя"}  # fmt: skip
_CERTAIN = _CERTAIN_LOWER | _CERTAIN_UPPER
_LOWER = _CERTAIN_LOWER | {"low", "lo", "min", "minimum", "left", "bottom", "floor", "l", "unten", "inf"}
_UPPER = _CERTAIN_UPPER | {"high", "hi", "max", "maximum", "right", "top", "ceil", "ceiling", "u", "h", "oben", "sup"}
_MIDDLE = {"median", "med", "mid", "middle", "center", "centre", "point", "m", "pred", "prediction", "predicted",
           "mean", "forecast", "estimate", "value", "target"}  # fmt: skip
_QUANTILE = {"q", "quantile", "quant", "p", "pct", "perc", "percentile", "tau", "qt", "level"}
_UNCERTAINTY = {"confidence", "std", "sigma", "sd", "stdev", "stddev", "uncertainty", "variance", "var", "scale", "unc"}
_FILLER = {"bound", "limit", "end", "pi", "ci", "interval", "of", "the", "lim", "pc", "percent", "cov", "coverage",
           "grenze", "schranke", "borne", "límite", "limite", "граница"}  # fmt: skip


@dataclass(frozen=True)
class QuantileName:
    """What a column's name says: its side ("lower", "upper", "middle" or ""), the digits of a level or of a coverage,
    whether it can hardly mean anything else, and its other words."""

    column: str
    side: str
    digits: str
    certain: bool
    rest: tuple[str, ...]


def may_be_quantiles(columns: Sequence[str]) -> bool:
    """Whether the names of two or more columns can be those of quantiles of one value: equal but for the ends of
    intervals, a level, or the word for the middle. Names such as min and max may mean something else as well."""
    if len(columns) < 2:
        return False
    names = parse_names(columns)
    shared = set(names[0].rest).intersection(*(name.rest for name in names))
    if any(set(name.rest) - shared for name in names):
        return False
    ends = [name for name in names if name.side in ("lower", "upper")]
    others = [name for name in names if name.side not in ("lower", "upper")]
    if ends:
        return 2 * sum(name.side == "lower" for name in ends) == len(ends) and len(others) <= 1
    numbered = [name.digits for name in others if name.digits]
    return len(numbered) >= max(2, len(names) - 1) and levels_of_digits(numbered) is not None


def quantile_groups(columns: Sequence[str]) -> list[list[str]]:
    """The columns by target where each is a quantile of one of several targets: temp_lower, temp_upper, rain_lower,
    rain_upper; [] where not all are."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for column in columns:
        groups.setdefault(parse_name(column).rest, []).append(column)
    several = len(groups) > 1 and all(rest and may_be_quantiles(group) for rest, group in groups.items())
    return list(groups.values()) if several else []


def uncertainty_of(columns: Sequence[str]) -> str | None:
    """Which of two columns is named after the uncertainty of the other, such as std or y_sigma; None for neither."""
    words = [set(re.findall(r"[a-z]+", str(column).lower())) for column in columns]
    marked = [bool(own & _UNCERTAINTY) for own in words]
    if len(columns) != 2 or sum(marked) != 1:
        return None
    return str(columns[marked.index(True)])


def parse_names(columns: Sequence[str]) -> list[QuantileName]:
    """The parts of the names of several columns. The word of the middle one is no word of the others: pred beside
    pred_low and pred_high."""
    names = [parse_name(column) for column in columns]
    middle = [name for name in names if name.side == "middle" and not name.rest]
    if len(middle) != 1:
        return names
    own = middle[0].column.lower()
    return [replace(name, rest=tuple(w for w in name.rest if w != own)) if name.side else name for name in names]


def parse_name(column: str) -> QuantileName:
    """The parts of a column's name: words parted by signs, by case and where letters and digits meet."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(column))
    text = re.sub(r"(?<![\d])[._](?=\d)", " ", text) if not re.match(r"\s*\.\d", text) else text
    text = re.sub(r"(?<=\d)[_-](?=\d)", ".", text)  # q0_05, 2-5
    words = re.findall(r"\d*\.\d+|\d+|[^\W\d_]+", text.lower())
    side, digits, marked, rest = "", "", False, []
    certain = bool(_CERTAIN & set(words))
    for word in words:
        if word[0].isdigit() or word[0] == ".":
            if digits:
                rest.append(word)
            digits = digits or word
            marked |= "." in word
        elif word in _LOWER | _UPPER and not side:
            side = "lower" if word in _LOWER else "upper"
        elif word in _QUANTILE:
            marked = True
        elif word not in _FILLER:
            rest.append(word)
    if not side and not digits:
        middle = [word for word in rest if word in _MIDDLE]
        if middle:
            side, rest = "middle", [word for word in rest if word != middle[-1]]
    certain |= bool(digits) and (marked or side in ("lower", "upper"))
    return QuantileName(str(column), side, digits, certain, tuple(rest))


def levels_of_digits(digits: Sequence[str]) -> list[float] | None:
    """The levels that all the digits together stand for, None where they are none: 0.05, 05 and 5 are all 0.05; 025 and
    975 are 0.025 and 0.975; 1, 2, 3 are quartiles and 1 … 9 deciles."""
    if any(not text for text in digits):
        return None
    if all("." not in text for text in digits):
        numbers = [int(text) for text in digits]
        if sorted(numbers) == list(range(1, len(numbers) + 1)):
            return [n / (len(numbers) + 1) for n in numbers]
        if all(len(text) == 1 for text in digits) and sorted(10 - n for n in numbers) == sorted(numbers):
            return [n / 10 for n in numbers]  # 1, 5, 9: deciles
    levels = [share_of(text) for text in digits]
    return None if any(level is None for level in levels) else levels  # type: ignore[return-value]


def share_of(text: str) -> float | None:
    """The share that digits stand for: as it is below 1, behind "0." with a leading zero or three digits, else in
    percent. None where it is none."""
    if "." in text:
        value = float(text)
        value = value / 100 if value >= 1 else value
    elif len(text) >= 3 or (text.startswith("0") and len(text) > 1):
        value = float(f"0.{text}")
    else:
        value = int(text) / 100
    return value if 0 < value < 1 else None
