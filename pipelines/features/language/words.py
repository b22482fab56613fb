"""Features in words for people, and their shapes, from which one competition learns for another.

price - mean(price) by city     price less its mean within city           number - mean(number) by category
count(city × brand)             how often the combination of brand and    count(category × category)
                                city occurs in train and test
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from medalist.pipelines.features.language.expression import ALIKE, INFIX, Column, Feature, Node

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_INFIX = {"add": "plus", "subtract": "less", "multiply": "times", "divide": "divided by"}
_PLACES = ("units", "tens", "hundreds", "thousands")
_MOST_NAMED = 8  # of the columns that one phrase names
_FEW = 3  # columns of a kind that a shape writes out


def in_words(feature: Feature) -> str:
    """An English phrase for a feature; its text where the operator is unknown."""
    return _said(feature)


def _said(node: Node) -> str:
    if isinstance(node, Column):
        return node.name if node.table is None else f"{node.table}.{node.name}"
    if not isinstance(node, Feature):
        return str(node)
    if node.op in _INFIX:
        return _arithmetic(node)
    op = f"table.{node.op}" if _is_of_table(node) else node.op
    if op not in WORDS:
        return str(node)
    words = WORDS[op]
    return words(node) if callable(words) else words.format(*map(_operand, node.args), **_places(node))


def _is_of_table(node: Feature) -> bool:
    return any(isinstance(arg, Column) and arg.table is not None for arg in node.args)


def _operand(node: Node) -> str:
    """A phrase that may stand within another: arithmetic in brackets."""
    return f"({_said(node)})" if isinstance(node, Feature) and node.op in _INFIX else _said(node)


def _listed(nodes: Sequence[Node]) -> str:
    """ "a, b and c", or the first few and the count of all."""
    said = [_operand(n) for n in nodes]
    if len(said) > _MOST_NAMED:
        return f"{', '.join(said[: _MOST_NAMED - 2])} … {said[-1]} ({len(said)} in all)"
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def _places(node: Feature) -> dict[str, str]:
    """What templates may name besides the arguments by number: `all` of them, `most` (all but the last) and the `last`;
    the `value` that a key has; `within` its groups; the same key in a `table`."""
    return {
        "all": _listed(node.args),
        "most": _listed(node.args[:-1]),
        "last": _said(node.args[-1]) if node.args else "",
        "value": _value(node.args[0]) if node.args else "",
        "within": f" within {_listed(node.by)}" if node.by else "",
        "matching": _matching(node) if _is_of_table(node) else "",
    }


def _value(node: Node) -> str:
    crossed = isinstance(node, Feature) and node.op == "cross"
    return _said(node) if crossed else f"the value of {_operand(node)}"


def _matching(node: Feature) -> str:
    """The rows of a further table that belong to a row."""
    own = [key for key in node.by if not (isinstance(key, Column) and key.table)]
    theirs = [key.name for key in node.by if isinstance(key, Column) and key.table]
    table = next(arg.table for arg in node.args if isinstance(arg, Column) and arg.table)
    return f"{table} whose {theirs[0]} is {_listed(own)}" if theirs else f"{table} with the same {_listed(own)}"


def _arithmetic(node: Feature) -> str:
    said = [_operand(arg) for arg in node.args]
    first, last = node.args[0], node.args[-1]
    if len(said) == 2 and isinstance(last, Feature) and last.args[:1] == (first,) and f" of {said[0]}" in said[1]:
        what, _, rest = said[1].partition(f" of {said[0]}")
        said[1] = f"its {what}{rest}"
    return f" {_INFIX[node.op]} ".join(said)


def _whole(node: Node) -> int:
    assert isinstance(node, int | float)
    return int(node)


def _nth(node: Node) -> str:
    """An index counted from 0, or from the end with -1, -2, …: "first", "third last"."""
    index = _whole(node)
    if index < 0:
        return "last" if index == -1 else f"{_ordinal(-index)} last"
    return _ordinal(index + 1)


def _ordinal(n: int) -> str:
    return _ORDINALS[n - 1] if 1 <= n <= len(_ORDINALS) else f"{n}th"


def _some(n: int, thing: str, plural: str = "s") -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}{plural}"


def _round(node: Feature) -> str:
    places = _whole(node.args[1])
    to = _some(places, "decimal") if places > 0 else "a whole number" if places == 0 else f"{_power(-places)}"
    return f"{_operand(node.args[0])} rounded to {to}"


def _digit(node: Feature) -> str:
    place = _whole(node.args[1])
    which = f"{_ordinal(place)} decimal" if place > 0 else _power(-place)
    return f"{which} digit of {_operand(node.args[0])}"


def _power(tens: int) -> str:
    return _PLACES[tens] if tens < len(_PLACES) else f"10^{tens}"


def _edge(which: str) -> Callable[[Feature], str]:
    def said(node: Feature) -> str:
        count = _whole(node.args[1])
        return f"{which} {'character' if count == 1 else f'{count} characters'} of {_operand(node.args[0])}"

    return said


def _piece(what: str) -> Callable[[Feature], str]:
    def said(node: Feature) -> str:
        return what.format(*(_nth(index) for index in node.args[1:])) + f" of {_operand(node.args[0])}"

    return said


def _ordered(what: Callable[[Feature], str] | str, order: int) -> Callable[[Feature], str]:
    """A phrase of rows in sequence; the argument of number `order` tells their order."""

    def said(node: Feature) -> str:
        phrase = what(node) if callable(what) else what.format(*map(_operand, node.args))
        return f"{phrase},{_places(node)['within']} in order of {_operand(node.args[order])}"

    return said


def _lag(node: Feature) -> str:
    k = _whole(node.args[2])
    return f"value of {_operand(node.args[0])} {_some(abs(k), 'row')} {'before' if k >= 0 else 'after'}"


def _rolling(what: str) -> Callable[[Feature], str]:
    def said(node: Feature) -> str:
        k = _whole(node.args[2])
        return f"{what} of {_operand(node.args[0])} over the {'row' if k == 1 else f'{k} rows'} before"

    return _ordered(said, 1)


def _target_lag(node: Feature) -> str:
    window = f" and at most {node.args[2]}" if len(node.args) > 2 else ""
    return f"mean target of earlier rows, at least {node.args[1]}{window} back"


def _target_mean(node: Feature) -> str:
    key, *rows = node.args
    smoothing = f" (with {rows[0]} row{'' if rows[0] == 1 else 's'} of the overall mean)" if rows else ""
    return f"smoothed mean target of {_operand(key)}{smoothing}"


_OVER = " over the rows of {matching}"
_FIRST = " in the first row of {matching}"

#: Operator → its words: a template over the phrases of its arguments and what `_places` names, or a function.
WORDS: dict[str, str | Callable[[Feature], str]] = {
    **dict.fromkeys(_INFIX, _arithmetic),
    "number": "{0} as a number",
    "missing": "whether {0} is missing",
    "log": "logarithm of {0}",
    "abs": "{0} without its sign",
    "root": "square root of {0}",
    "round": _round,
    "fraction": "fractional part of {0}",
    "digit": _digit,
    "decimals": "number of decimals of {0}",
    "mod": "remainder of {0} after division by {1}",
    "equal": "whether {0} equals {1}",
    "smaller": "smaller of {0} and {1}",
    "larger": "larger of {0} and {1}",
    "hypotenuse": "distance that {0} and {1} make together",
    "haversine": "kilometres from {0}, {1} to {2}, {3}",
    "sine": "sine of {0} in a period of {1}",
    "cosine": "cosine of {0} in a period of {1}",
    **{part: part + " of {0}" for part in ("year", "quarter", "month", "weekday", "hour", "minute", "second")},
    "week": "week of the year of {0}",
    "day": "day of the month of {0}",
    "dayofyear": "day of the year of {0}",
    "daytime": "hours since midnight of {0}",
    "elapsed": "days since the first {0}",
    "days": "days from {1} to {0}",
    "row_sum": "sum across {all}",
    "row_mean": "mean across {all}",
    "row_std": "standard deviation across {all}",
    "row_min": "smallest value across {all}",
    "row_max": "largest value across {all}",
    "row_range": "largest less smallest value across {all}",
    "row_median": "median across {all}",
    "row_mode": "most frequent value across {all}",
    "row_zeros": "how many of {all} are 0",
    "row_missing": "how many of {all} are missing",
    "row_distinct": "how many different values {all} have",
    "row_argmax": "which of {all} is the largest",
    "row_sorted": "values of {all} in ascending order",
    "row_gaps": "gaps between the values of {all} in ascending order",
    "row_repeats": "how often the most frequent values across {all} occur",
    "length": "length of {0}",
    "words": "number of words in {0}",
    "parts": "number of parts of {0}",
    "part": _piece("{0} part"),
    "part_number": _piece("number in the {0} part"),
    "field": _piece("{0} field"),
    "field_number": _piece("number in the {0} field"),
    "field_word": _piece("{1} word in the {0} field"),
    "prefix": _edge("first"),
    "suffix": _edge("last"),
    "character": _piece("{0} character"),
    "first_number": "first number in {0}",
    "letters": "letters of {0}",
    "pattern": "pattern of letters, digits and marks in {0}",
    "text_shape": "length, number of words and kinds of characters of {0}",
    "tfidf": "weighted words of {0}",
    "char_tfidf": "weighted runs of characters of {0}",
    "svd": "{1} leading components of the {0}",
    "target_linear": "linear prediction of the target from the {0}",
    "target_bayes": "naive Bayes log-odds of the target from the {0}",
    "code": "{0} as a category",
    "count": "how often {value} occurs in train and test",
    "cross": "the combination of {all}",
    "bin": "{0} in {1} bins",
    "rank": "rank of {0}{within}",
    "mean": "mean of {0}{within}",
    "sum": "sum of {0}{within}",
    "std": "standard deviation of {0}{within}",
    "min": "smallest value of {0}{within}",
    "max": "largest value of {0}{within}",
    "median": "median of {0}{within}",
    "distinct": "number of different values of {0}{within}",
    "lag": _ordered(_lag, 1),
    "since_previous": _ordered("time since the previous row", 0),
    "until_next": _ordered("time until the next row", 0),
    "position": _ordered("place of the row", 0),
    "rolling_mean": _rolling("mean"),
    "rolling_std": _rolling("standard deviation"),
    "rolling_min": _rolling("smallest value"),
    "rolling_max": _rolling("largest value"),
    "expanding_mean": _ordered("mean of {0} over all rows before", 1),
    "target_lag": _ordered(_target_lag, 0),
    "pca": "{last} leading principal components of {most}",
    "kmeans": "cluster of the row, one of {last} by {most}",
    "kmeans_distance": "distances to the centres of {last} clusters by {most}",
    "target_neighbours": "mean target of the {last} nearest rows by {most}",
    "table.mean": "mean of {0}" + _OVER,
    "table.sum": "sum of {0}" + _OVER,
    "table.std": "standard deviation of {0}" + _OVER,
    "table.min": "smallest value of {0}" + _OVER,
    "table.max": "largest value of {0}" + _OVER,
    "table.median": "median of {0}" + _OVER,
    "table.count": "number of known values of {0}" + _OVER,
    "table.distinct": "number of different values of {0}" + _OVER,
    "table.mode": "most frequent value of {0}" + _OVER,
    "table.value": "{0}" + _FIRST,
    "table.label": "{0} as a category" + _FIRST,
    "target_mean": _target_mean,
    "target_std": "standard deviation of the target of {0}",
    "target_median": "median target of {0}",
}


@dataclass(frozen=True)
class _Kind(Column):
    """A kind in the place of a column: written as the kind alone, but another thing than the next of that kind."""

    kind: str = ""

    def __str__(self) -> str:
        return self.kind


def shape_of(feature: Feature, kinds: Mapping[str, str]) -> str:
    """The text of a feature with its columns replaced by their kinds: `target_mean(category × category)`.

    `kinds`: kind by a column's name ("city"), for one of a further table by both names ("orders.amount"), which is
    written as `table.number`; a column without one is an `any`. Features that differ in nothing but the names of their
    columns have one shape, whatever the order that the names brought. Many columns of a kind are written as
    `row_mean(number …)`, since how many there are is each competition's own.
    """
    return str(_shaped(feature, kinds))


def _shaped(node: Node, kinds: Mapping[str, str]) -> Node:
    if isinstance(node, Column):
        name = node.name if node.table is None else f"{node.table}.{node.name}"
        kind = str(kinds.get(name, "any"))
        return _Kind(node.name, node.table, kind if node.table is None else f"table.{kind}")
    if not isinstance(node, Feature):
        return node
    args = [_shaped(a, kinds) for a in node.args]
    if node.op in ALIKE or node.op == "cross":
        args.sort(key=lambda a: (isinstance(a, int | float), str(a)))
    if node.op == "cross" or node.op not in INFIX:
        runs = [list(run) for _, run in groupby(args, lambda a: isinstance(a, _Kind) and str(a))]
        args = [a for run in runs for a in ([_many(run[0])] if len(run) > _FEW and isinstance(run[0], _Kind) else run)]
    return Feature(node.op, tuple(args), tuple(_shaped(k, kinds) for k in node.by))


def _many(one: Node) -> Node:
    assert isinstance(one, _Kind)
    return _Kind(one.name, one.table, f"{one.kind} …")
