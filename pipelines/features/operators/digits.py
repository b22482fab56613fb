"""Digits of the decimal writing of a number: rounding, single digits, the number of decimals."""

from __future__ import annotations

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.language.words import counted, literal_int, operand, ordinal
from medalist.pipelines.features.lazy import np

MOST_DIGITS = 15  # decimal digits that every float64 preserves


def rounded(frame: Frame, feature: Feature) -> np.ndarray:
    """The number rounded to the given count of decimals; -2 rounds to hundreds. Halves go to the even neighbour."""
    places = _places(feature)
    values = frame.number(feature.args[0])
    if places < 0:
        return np.rint(values / 10.0**-places) * 10.0**-places
    with np.errstate(over="ignore"):
        result = np.round(values, places)
    return np.where(np.isfinite(result), result, values)  # a number too large to have decimals


def digit(frame: Frame, feature: Feature) -> np.ndarray:
    """The k-th decimal digit of the absolute number; 0 for the units, -1 for the tens, and so on.

    Digits are those of the decimal notation: 0.29 is stored as 0.28999…, and its second digit is 9.
    """
    places = _places(feature)
    large = frame.integers(feature.args[0]) if places <= 0 else None
    if large is not None:
        shown = np.array([abs(int(v)) // 10**-places % 10 for v in large[0]], dtype=np.float64)
        return np.where(large[1], np.nan, shown)
    values = np.abs(frame.number(feature.args[0]))
    is_whole = values == np.floor(values)
    scaled = values * 10.0**places if places >= 0 else values / 10.0**-places
    nearest = np.rint(scaled)
    exact = 2.0**-22 if _single(values) else 2.0**-50
    close = ~is_whole & (np.abs(scaled - nearest) <= scaled * exact)
    digits = np.where(close, nearest, np.floor(scaled)) % 10
    return np.where(is_whole, 0.0, digits) + np.where(np.isnan(values), np.nan, 0.0) if places > 0 else digits


def decimals(frame: Frame, feature: Feature) -> np.ndarray:
    """How many decimals the shortest decimal writing of the number has, 0 to 15."""
    values = frame.number(feature.args[0])
    precision = np.float32 if _single(values) else np.float64
    out = np.where(np.isnan(values), np.nan, float(MOST_DIGITS))
    open_rows = np.flatnonzero(~np.isnan(values))
    for places in range(MOST_DIGITS):
        rest = values[open_rows]
        # 10^places is exact and so is a whole number below 2^53, hence their quotient is the number nearest to the text
        with np.errstate(over="ignore", invalid="ignore"):
            short = (np.rint(rest * 10.0**places) / 10.0**places).astype(precision) == rest.astype(precision)
        out[open_rows[short]] = places
        open_rows = open_rows[~short]
        if not len(open_rows):
            break
    return out


def _single(values: np.ndarray) -> bool:
    """Whether all numbers are representable in single precision, which has fewer digits."""
    with np.errstate(over="ignore"):
        return bool(((values.astype(np.float32) == values) | np.isnan(values)).all())


def _places(feature: Feature) -> int:
    places = int(feature.args[1])  # type: ignore[arg-type]
    if abs(places) > MOST_DIGITS:
        raise PipelineError(f"{feature} asks for {places} digits: numbers have at most {MOST_DIGITS}.")
    return places


_POWERS = ("units", "tens", "hundreds", "thousands")


def _power_words(power: int) -> str:
    return _POWERS[power] if power < len(_POWERS) else f"10^{power}"


def _round_words(feature: Feature) -> str:
    places = literal_int(feature.args[1])
    to = counted(places, "decimal") if places > 0 else "a whole number" if places == 0 else _power_words(-places)
    return f"{operand(feature.args[0])} rounded to {to}"


def _digit_words(feature: Feature) -> str:
    place = literal_int(feature.args[1])
    which = f"{ordinal(place)} decimal" if place > 0 else _power_words(-place)
    return f"{which} digit of {operand(feature.args[0])}"


OPERATORS = {
    "round": Operator("stateless", ("number", "whole"), "number", rounded, _round_words, "round(x, 1)"),
    "digit": Operator("stateless", ("number", "whole"), "number", digit, _digit_words, "digit(whole, 1)"),
    "decimals": Operator("stateless", ("number",), "number", decimals, "number of decimals of {0}", "decimals(x)"),
}
