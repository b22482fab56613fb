"""Numbers: arithmetic, rounding, digits, comparisons. A number that cannot be computed is missing, never infinite."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pandas as pd

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.operators.base import Operator
from medalist.pipelines.features.operators.strings import labels

EARTH = 6371.0088  # kilometres, the mean radius
MOST_DIGITS = 15  # decimal digits that a float64 holds for sure


def number(frame: Frame, feature: Feature) -> np.ndarray:
    """The value as a number; text that is no number becomes missing."""
    return frame.number(feature.args[0])


def missing(frame: Frame, feature: Feature) -> np.ndarray:
    """1 where the value is missing, else 0."""
    return _gaps(frame, feature.args[0]).astype(np.float64)


def _gaps(frame: Frame, node: Node) -> np.ndarray:
    if isinstance(node, Column):
        return frame.column(node.name).isna().to_numpy(bool)
    return np.isnan(frame.number(node))


def _finite(values: np.ndarray) -> np.ndarray:
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values


def _folded(function: Callable[[np.ndarray, np.ndarray], np.ndarray], says: str) -> Callable[..., np.ndarray]:
    """A compute function that combines its arguments, numbers, from left to right."""

    def compute(frame: Frame, feature: Feature) -> np.ndarray:
        with np.errstate(all="ignore"):
            return _finite(reduce(function, [frame.number(a) for a in feature.args]))

    compute.__doc__ = says
    return compute


def _each(function: Callable[[np.ndarray], np.ndarray], says: str) -> Callable[..., np.ndarray]:
    """A compute function of one number."""

    def compute(frame: Frame, feature: Feature) -> np.ndarray:
        return function(frame.number(feature.args[0]))

    compute.__doc__ = says
    return compute


def _divided(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x / np.where(y == 0, np.nan, y)


def _signed(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.sign(x) * function(np.abs(x))


def rounded(frame: Frame, feature: Feature) -> np.ndarray:
    """The number rounded to so many decimals; -2 rounds to hundreds. Halves go to the even neighbour."""
    places = _places(feature)
    values = frame.number(feature.args[0])
    if places < 0:
        return np.rint(values / 10.0**-places) * 10.0**-places
    with np.errstate(over="ignore"):
        found = np.round(values, places)
    return np.where(np.isfinite(found), found, values)  # a number too large to have decimals


def digit(frame: Frame, feature: Feature) -> np.ndarray:
    """The k-th decimal digit of the absolute number; 0 for the units, -1 for the tens, and so on.

    Digits are those of the decimal writing: 0.29 is held as 0.28999…, and its second digit is 9.
    """
    places = _places(feature)
    values = np.abs(frame.number(feature.args[0]))
    whole = values == np.floor(values)
    scaled = values * 10.0**places if places >= 0 else values / 10.0**-places
    nearest = np.rint(scaled)
    exact = 2.0**-22 if _single(values) else 2.0**-50
    close = ~whole & (np.abs(scaled - nearest) <= scaled * exact)
    found = np.where(close, nearest, np.floor(scaled)) % 10
    return np.where(whole, 0.0, found) + np.where(np.isnan(values), np.nan, 0.0) if places > 0 else found


def decimals(frame: Frame, feature: Feature) -> np.ndarray:
    """How many decimals the shortest decimal writing of the number has, 0 to 15."""
    values = frame.number(feature.args[0])
    held = np.float32 if _single(values) else np.float64
    out = np.where(np.isnan(values), np.nan, float(MOST_DIGITS))
    open_rows = np.flatnonzero(~np.isnan(values))
    for places in range(MOST_DIGITS):
        left = values[open_rows]
        # 10^places is exact and so is a whole number below 2^53, hence their quotient is the number nearest to the text
        with np.errstate(over="ignore", invalid="ignore"):
            short = (np.rint(left * 10.0**places) / 10.0**places).astype(held) == left.astype(held)
        out[open_rows[short]] = places
        open_rows = open_rows[~short]
        if not len(open_rows):
            break
    return out


def _single(values: np.ndarray) -> bool:
    """Whether all numbers were held in single precision, which has fewer digits."""
    with np.errstate(over="ignore"):
        return bool(((values.astype(np.float32) == values) | np.isnan(values)).all())


def _places(feature: Feature) -> int:
    places = int(feature.args[1])  # type: ignore[arg-type]
    if abs(places) > MOST_DIGITS:
        raise PipelineError(f"{feature} asks for {places} digits: numbers have at most {MOST_DIGITS}.")
    return places


def mod(frame: Frame, feature: Feature) -> np.ndarray:
    """The remainder after division by a literal, with the literal's sign."""
    divisor = float(feature.args[1])  # type: ignore[arg-type]
    return np.mod(frame.number(feature.args[0]), divisor if divisor else np.nan)


def equal(frame: Frame, feature: Feature) -> np.ndarray:
    """1 where both have the same value, 0 where not; missing where either is.

    Compared as text where both are columns of text or categories made from text, as numbers else.
    """
    a, b = feature.args
    texts = labels(frame, a), labels(frame, b)
    if texts[0] is not None and texts[1] is not None:
        same, gaps = texts[0] == texts[1], pd.isna(texts[0]) | pd.isna(texts[1])
    else:
        same, gaps = frame.number(a) == frame.number(b), _gaps(frame, a) | _gaps(frame, b)
    return np.where(gaps, np.nan, same.astype(np.float64))


def _angle(frame: Frame, feature: Feature) -> np.ndarray:
    period = float(feature.args[1])  # type: ignore[arg-type]
    if period <= 0:
        raise PipelineError(f"{feature} needs a period above 0.")
    return frame.number(feature.args[0]) * (2 * np.pi / period)


def sine(frame: Frame, feature: Feature) -> np.ndarray:
    """Sine of a number that comes round after a period, such as an hour after 24."""
    return np.sin(_angle(frame, feature))


def cosine(frame: Frame, feature: Feature) -> np.ndarray:
    """Cosine of a number that comes round after a period, such as an hour after 24."""
    return np.cos(_angle(frame, feature))


def haversine(frame: Frame, feature: Feature) -> np.ndarray:
    """Kilometres between two points of the earth, told by latitude, longitude, latitude and longitude in degrees."""
    south, west, north, east = (np.radians(frame.number(arg)) for arg in feature.args)
    half = np.sin((north - south) / 2) ** 2 + np.cos(south) * np.cos(north) * np.sin((east - west) / 2) ** 2
    return 2 * EARTH * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


OPERATORS = {
    "number": Operator("stateless", ("key",), "number", number),
    "missing": Operator("stateless", ("key",), "number", missing),
    "add": Operator("stateless", ("number+",), "number", _folded(np.add, "Sum of numbers; missing where one is.")),
    "subtract": Operator(
        "stateless", ("number", "number"), "number", _folded(np.subtract, "Difference of two numbers.")
    ),
    "multiply": Operator("stateless", ("number+",), "number", _folded(np.multiply, "Product of numbers.")),
    "divide": Operator(
        "stateless",
        ("number", "number"),
        "number",
        _folded(_divided, "Quotient of two numbers; missing where it is by 0."),
    ),
    "smaller": Operator(
        "stateless", ("number", "number"), "number", _folded(np.fmin, "The smaller of two numbers, or the one known.")
    ),
    "larger": Operator(
        "stateless", ("number", "number"), "number", _folded(np.fmax, "The larger of two numbers, or the one known.")
    ),
    "hypotenuse": Operator(
        "stateless",
        ("number", "number"),
        "number",
        _folded(np.hypot, "Root of the sum of two squares: the distance that two differences make."),
    ),
    "haversine": Operator("stateless", ("number", "number", "number", "number"), "number", haversine),
    "log": Operator("stateless", ("number",), "number", _each(_signed(np.log1p), "sign(x) log(1 + |x|) of a number.")),
    "abs": Operator("stateless", ("number",), "number", _each(np.abs, "The number without its sign.")),
    "root": Operator(
        "stateless", ("number",), "number", _each(_signed(np.sqrt), "Square root of |x| with the sign of x.")
    ),
    "fraction": Operator(
        "stateless", ("number",), "number", _each(lambda x: x - np.floor(x), "What the number is above a whole number.")
    ),
    "round": Operator("stateless", ("number", "whole"), "number", rounded),
    "digit": Operator("stateless", ("number", "whole"), "number", digit),
    "decimals": Operator("stateless", ("number",), "number", decimals),
    "mod": Operator("stateless", ("number", "literal"), "number", mod),
    "equal": Operator("stateless", ("key", "key"), "number", equal),
    "sine": Operator("stateless", ("number", "literal"), "number", sine),
    "cosine": Operator("stateless", ("number", "literal"), "number", cosine),
}
