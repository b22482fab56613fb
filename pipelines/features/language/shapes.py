"""Shapes of features: expressions with column types in place of columns, to transfer results between competitions.

price - mean(price) by city            number - mean(number) by category
count(brand × city)                    count(category × category)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from medalist.pipelines.features.language.expression import INFIX, Column, Condition, Feature, Node
from medalist.pipelines.features.language.operator import OPERATORS

MOST_WRITTEN = 3  # arguments of one kind that a shape lists one by one, at most


@dataclass(frozen=True)
class _Kind(Column):
    """A column that is printed as its kind. Two columns of one kind have the same text but are not equal."""

    kind: str = ""

    def __str__(self) -> str:
        return self.kind


def shape_of(feature: Feature, kinds: Mapping[str, str]) -> str:
    """The text of a feature with its columns replaced by their kinds: `target_mean(category × category)`.

    kinds: kind by the name of a column ("city"), of a further table's column by both names ("orders.amount"), which is
    written as `table.number`. A column without a kind is written as `any`. Features that differ only in the names of
    their columns have the same shape. More than three arguments of one kind are written as `row_mean(number …)`, since
    their count differs from one competition to the next.
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
    operator = OPERATORS.get(node.op)
    if operator is not None and operator.symmetric:
        args.sort(key=lambda a: (isinstance(a, int | float), str(a)))
    if node.op == "cross" or node.op not in INFIX:
        runs = [list(run) for _, run in groupby(args, lambda a: isinstance(a, _Kind) and str(a))]
        args = [a for run in runs for a in _shortened(run)]
    return Feature(
        node.op, tuple(args), tuple(_shaped(k, kinds) for k in node.by), tuple(_of_kind(c, kinds) for c in node.where)
    )


def _of_kind(condition: Condition, kinds: Mapping[str, str]) -> Condition:
    """A condition with its columns replaced by their kinds, and its value by what stands for any."""
    column = _shaped(condition.column, kinds)
    assert isinstance(column, Column)
    if isinstance(condition.value, Column):
        reference = _shaped(condition.value, kinds)
        assert isinstance(reference, Column)
        return Condition(column, condition.mark, reference, None if condition.within is None else 1)
    return Condition(column, condition.mark, "…" if isinstance(condition.value, str) else 0)


def _shortened(run: list[Node]) -> list[Node]:
    """Arguments of one kind, replaced by a single "kind …" where they are more than MOST_WRITTEN."""
    first = run[0]
    if len(run) <= MOST_WRITTEN or not isinstance(first, _Kind):
        return run
    return [_Kind(first.name, first.table, f"{first.kind} …")]
