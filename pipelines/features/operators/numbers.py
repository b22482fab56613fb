"""Numbers: arithmetic, comparisons, angles. A number that cannot be computed is missing, never infinite."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from medalist.competitions.errors import PipelineError
from medalist.competitions.tables.precision import LARGEST_EXACT
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Column, Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.language.words import arithmetic
from medalist.pipelines.features.lazy import np, pd
from medalist.pipelines.features.operators.strings import labels

EARTH = 6371.0088  # kilometres, the mean radius


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


def _combined(frame: Frame, feature: Feature, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """The arguments reduced by a function of two arrays from left to right; infinite results as NaN."""
    with np.errstate(all="ignore"):
        return _finite(reduce(function, [frame.number(a) for a in feature.args]))


def add(frame: Frame, feature: Feature) -> np.ndarray:
    """Sum of numbers; missing where one is."""
    return _combined(frame, feature, np.add)


def subtract(frame: Frame, feature: Feature) -> np.ndarray:
    """Difference of two numbers."""
    return _combined(frame, feature, np.subtract)


def multiply(frame: Frame, feature: Feature) -> np.ndarray:
    """Product of numbers."""
    return _combined(frame, feature, np.multiply)


def divide(frame: Frame, feature: Feature) -> np.ndarray:
    """Quotient of two numbers; missing where it is by 0."""
    return _combined(frame, feature, lambda x, y: x / np.where(y == 0, np.nan, y))


def smaller(frame: Frame, feature: Feature) -> np.ndarray:
    """The smaller of two numbers; the other one where one is missing."""
    return _combined(frame, feature, np.fmin)


def larger(frame: Frame, feature: Feature) -> np.ndarray:
    """The larger of two numbers; the other one where one is missing."""
    return _combined(frame, feature, np.fmax)


def hypotenuse(frame: Frame, feature: Feature) -> np.ndarray:
    """Root of the sum of two squares: the distance that two differences make."""
    return _combined(frame, feature, np.hypot)


def log(frame: Frame, feature: Feature) -> np.ndarray:
    """sign(x) log(1 + |x|) of a number."""
    values = frame.number(feature.args[0])
    return np.sign(values) * np.log1p(np.abs(values))


def absolute(frame: Frame, feature: Feature) -> np.ndarray:
    """The number without its sign."""
    return np.abs(frame.number(feature.args[0]))


def root(frame: Frame, feature: Feature) -> np.ndarray:
    """Square root of |x| with the sign of x."""
    values = frame.number(feature.args[0])
    return np.sign(values) * np.sqrt(np.abs(values))


def fraction(frame: Frame, feature: Feature) -> np.ndarray:
    """The number less the largest whole number that is not above it."""
    values = frame.number(feature.args[0])
    return values - np.floor(values)


def mod(frame: Frame, feature: Feature) -> np.ndarray:
    """The remainder after division by a literal, with the literal's sign."""
    divisor = float(feature.args[1])  # type: ignore[arg-type]
    exact = frame.integers(feature.args[0]) if divisor.is_integer() and 0 < abs(divisor) < LARGEST_EXACT else None
    if exact is not None:
        rest = np.array([int(v) % int(divisor) for v in exact[0]], dtype=np.float64)
        return np.where(exact[1], np.nan, rest)
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
        exact = frame.integers(a), frame.integers(b)
        one, two = (frame.number(n) if e is None else e[0] for n, e in zip((a, b), exact, strict=True))
        if (exact[0] is None) != (exact[1] is None) or one.dtype != two.dtype:  # numpy would compare them as floats
            one, two = (np.where(_gaps(frame, n), 0, v).astype(object) for n, v in zip((a, b), (one, two), strict=True))
        same, gaps = one == two, _gaps(frame, a) | _gaps(frame, b)
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
    """Kilometres between two points of the earth, given as latitude, longitude, latitude and longitude in degrees."""
    south, west, north, east = (np.radians(frame.number(arg)) for arg in feature.args)
    half = np.sin((north - south) / 2) ** 2 + np.cos(south) * np.cos(north) * np.sin((east - west) / 2) ** 2
    return 2 * EARTH * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


_TWO = ("number", "number")
OPERATORS = {
    "number": Operator("stateless", ("key",), "number", number, "{0} as a number", "number(x)"),
    "missing": Operator("stateless", ("key",), "number", missing, "whether {0} is missing", "missing(x)"),
    "add": Operator("stateless", ("number+",), "number", add, arithmetic("plus"), "x + z", symmetric=True),
    "subtract": Operator("stateless", _TWO, "number", subtract, arithmetic("less"), "x - z"),
    "multiply": Operator("stateless", ("number+",), "number", multiply, arithmetic("times"), "x * z", symmetric=True),
    "divide": Operator("stateless", _TWO, "number", divide, arithmetic("divided by"), "x / z"),
    "smaller": Operator(
        "stateless", _TWO, "number", smaller, "smaller of {0} and {1}", "smaller(x, z)", symmetric=True
    ),
    "larger": Operator("stateless", _TWO, "number", larger, "larger of {0} and {1}", "larger(x, z)", symmetric=True),
    "hypotenuse": Operator(
        "stateless",
        _TWO,
        "number",
        hypotenuse,
        "distance that {0} and {1} make together",
        "hypotenuse(x, z)",
        symmetric=True,
    ),
    "haversine": Operator(
        "stateless",
        ("number", "number", "number", "number"),
        "number",
        haversine,
        "kilometres from {0}, {1} to {2}, {3}",
        "haversine(x, z, x, whole)",
    ),
    "log": Operator("stateless", ("number",), "number", log, "logarithm of {0}", "log(x)"),
    "abs": Operator("stateless", ("number",), "number", absolute, "{0} without its sign", "abs(x)"),
    "root": Operator("stateless", ("number",), "number", root, "square root of {0}", "root(x)"),
    "fraction": Operator("stateless", ("number",), "number", fraction, "fractional part of {0}", "fraction(x)"),
    "mod": Operator(
        "stateless", ("number", "literal"), "number", mod, "remainder of {0} after division by {1}", "mod(whole, 7)"
    ),
    "equal": Operator(
        "stateless", ("key", "key"), "number", equal, "whether {0} equals {1}", "equal(city, town)", symmetric=True
    ),
    "sine": Operator(
        "stateless", ("number", "literal"), "number", sine, "sine of {0} in a period of {1}", "sine(hour(day), 24)"
    ),
    "cosine": Operator(
        "stateless",
        ("number", "literal"),
        "number",
        cosine,
        "cosine of {0} in a period of {1}",
        "cosine(hour(day), 24)",
    ),
}
