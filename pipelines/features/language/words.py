"""English descriptions of features, from the `words` of each operator.

price - mean(price) by city     price less its mean within city
count(city × brand)             how often the combination of brand and city occurs in train and test

An operator's words are a template or a function of the feature. The fields of a template:

    {0}, {1}, …    the phrases of the arguments
    {all}          all of them, "a, b and c"; {most}: all but the last; {last}: the last
    {value}        the first argument as a key: "the value of city", or a combination
    {within}       " within city and day" where the feature has keys, else nothing
    {matching}     the rows of a further table that belong to a row: "orders with the same customer"
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from medalist.pipelines.features.language.expression import INFIX, Column, Condition, Feature, Node
from medalist.pipelines.features.language.operator import OPERATORS
from medalist.pipelines.features.language.registry import name_of

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_COMPARED = {
    "=": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_MOST_NAMED = 8  # arguments that a phrase lists, at most; of more, the first ones and the last


def in_words(feature: Feature) -> str:
    """An English phrase for a feature; its canonical text where the operator is unknown."""
    return _phrase(feature)


def _phrase(node: Node) -> str:
    if isinstance(node, Column):
        return node.name if node.table is None else f"{node.table}.{node.name}"
    if not isinstance(node, Feature):
        return str(node)
    operator = OPERATORS.get(name_of(node))
    if operator is None:
        return str(node)
    return operator.words(node) if callable(operator.words) else filled(operator.words, node)


def filled(template: str, node: Feature) -> str:
    """A template of words filled with the phrases of a feature's arguments and keys."""
    phrases = [operand(arg) for arg in node.args]
    is_crossed = isinstance(node.args[0], Feature) and node.args[0].op == "cross" if node.args else False
    return template.format(
        *phrases,
        all=_joined(phrases),
        most=_joined(phrases[:-1]),
        last="".join(phrases[-1:]),
        value="".join(phrases[:1]) if is_crossed else f"the value of {''.join(phrases[:1])}",
        within=f" within {listed(node.by)}" if node.by else "",
        matching=_matching(node) if node.measured is not None else "",
    )


def operand(node: Node) -> str:
    """The phrase of an argument within another phrase: arithmetic is put in brackets."""
    is_arithmetic = isinstance(node, Feature) and node.op in INFIX and node.op != "cross"
    return f"({_phrase(node)})" if is_arithmetic else _phrase(node)


def listed(nodes: Sequence[Node]) -> str:
    """ "a, b and c"; of many, the first few, the last and their number."""
    return _joined([operand(n) for n in nodes])


def _joined(phrases: Sequence[str]) -> str:
    if len(phrases) > _MOST_NAMED:
        return f"{', '.join(phrases[: _MOST_NAMED - 2])} … {phrases[-1]} ({len(phrases)} in all)"
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def arithmetic(word: str) -> Callable[[Feature], str]:
    """The `words` of an arithmetic operator: its arguments joined by `word`, as in "price less its mean within
    city"."""

    def words(node: Feature) -> str:
        phrases = [operand(arg) for arg in node.args]
        first, last = node.args[0], node.args[-1]
        of_first = f" of {phrases[0]}"
        if len(phrases) == 2 and isinstance(last, Feature) and last.args[:1] == (first,) and of_first in phrases[1]:
            before, _, after = phrases[1].partition(of_first)
            phrases[1] = f"its {before}{after}"
        return f" {word} ".join(phrases)

    return words


def literal_int(node: Node) -> int:
    """The value of an argument that is a literal whole number."""
    assert isinstance(node, int | float)
    return int(node)


def ordinal(n: int) -> str:
    """The ordinal of a number from 1 on: "first", "12th"."""
    return _ORDINALS[n - 1] if 1 <= n <= len(_ORDINALS) else f"{n}th"


def nth(node: Node) -> str:
    """The ordinal of an index that counts from 0, or from the end with -1, -2, …: "first", "third last"."""
    index = literal_int(node)
    if index < 0:
        return "last" if index == -1 else f"{ordinal(-index)} last"
    return ordinal(index + 1)


def counted(n: int, noun: str) -> str:
    """A count with its noun: "1 row", "3 rows"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _matching(node: Feature) -> str:
    """The rows of a further table that belong to a row of train or test, or of another table."""
    table = node.measured
    table_keys = [key.name for key in node.by if isinstance(key, Column) and key.table == table]
    row_keys = [key for key in node.by if not (isinstance(key, Column) and key.table == table)]
    matching = (
        f"{table} whose {table_keys[0]} is {listed(row_keys)}"
        if table_keys
        else f"{table} with the same {listed(row_keys)}"
    )
    return f"{matching}, where {' and '.join(map(_condition, node.where))}" if node.where else matching


def _condition(condition: Condition) -> str:
    """A condition on the rows of a further table in words."""
    column = condition.column.name
    if isinstance(condition.value, Column):
        window = "" if condition.within is None else f"at most {condition.within} "
        return f"{column} is {window}before {_phrase(condition.value)}"
    value = f"'{condition.value}'" if isinstance(condition.value, str) else str(condition.value)
    return f"{column} {_COMPARED[condition.mark]} {value}"
