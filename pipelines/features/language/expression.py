"""A feature is an expression with one canonical text: its identity, its cache key and its explanation.

    count(city)                      price - mean(price) by city        target_mean(brand × city)
    mean(price) by brand, city       area / rooms                       svd(tfidf(text), 16)
    month(sold_at)                   mean(orders.amount) by customer    target_mean(bin(price, 20))

An operator is called on columns, other expressions and literals; `by` names the keys that an operator on groups groups
by; `+ - * /` are arithmetic between numbers, `×` crosses keys. A column of a further table is `table.column`, what is
made of such columns has a value for each row of that table, and `where` says which of its rows an aggregate is over:

    mean(orders.price * orders.pieces) by customer where orders.state = 'paid' and orders.date within 30 before sold_at
    max(sum(payments.amount) by loans.loan) by client

A name that is no plain word is quoted with backticks (a backtick within is doubled). In an argument list a comma ends
the keys: several keys of an argument stand in brackets with it, `rank((mean(price) by brand, city))`. Equal expressions
are equal features: arguments whose order does not matter are sorted, and `number(x)` where a number is wanted, or
`code(x)` where a key is, is `x`.

Expressions are data, never code: what is parsed is looked up in a registry and nothing is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.conditions import Column as Column
from medalist.pipelines.features.language.conditions import Condition as Condition
from medalist.pipelines.features.language.operator import OPERATORS, Operator

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "cross": "×"}  # the marks of infix operators
LEVELS = {"add": 1, "subtract": 1, "multiply": 3, "divide": 3, "cross": 6}  # precedence of the infix operators
CALL_LEVEL = 5  # precedence of a call with `by`: it is put in brackets as a key and in a cross
FLAT = ("add", "multiply", "cross")  # associative operators, which are flattened: a + (b + c) is a + b + c
AS_NUMBER, AS_KEY = "number", "code"  # conversions that are implicit for arguments of that type
MOST_DEPTH = 12  # levels of nested operators, at most


@dataclass(frozen=True)
class Feature:
    """An operator applied to arguments, within the groups of the keys `by` where there are any.

    where: the rows of the further table that count, for an aggregate of one. measured: the further table that it
    aggregates; None for any other. home: the further table for each row of which it has a value; None where it has one
    for each row of train and test.

    Normalised to its canonical form, so that equal expressions are equal objects. PipelineError where it is
    nested too deeply, groups arithmetic, or holds a number that is not finite.
    """

    op: str
    args: tuple[Node, ...]
    by: tuple[Node, ...] = ()
    where: tuple[Condition, ...] = ()
    depth: int = field(init=False, compare=False, repr=False, default=1)
    measured: str | None = field(init=False, compare=False, repr=False, default=None)
    home: str | None = field(init=False, compare=False, repr=False, default=None)

    def __post_init__(self) -> None:
        operator = _operator(self.op)
        of_keys = operator is not None and operator.takes_keys and self.op not in (AS_NUMBER, AS_KEY)
        args = tuple(_unwrapped(a, AS_KEY if of_keys else AS_NUMBER) for a in self.args)
        if self.op in FLAT:
            args = tuple(
                inner for a in args for inner in (a.args if isinstance(a, Feature) and a.op == self.op else (a,))
            )
        if operator is not None and operator.symmetric:
            literals_last = operator.variadic and self.op not in INFIX  # as in pca(a, b, 2), but 2 * x
            args = tuple(sorted(args, key=lambda a: (literals_last and isinstance(a, int | float), str(a))))
        if self.op == "cross":
            args = tuple(dict.fromkeys(args))
        keys = [inner for key in self.by for inner in _crossed_keys(_unwrapped(key, AS_KEY))]
        depth = 1 + max((n.depth for n in (*args, *keys) if isinstance(n, Feature)), default=0)
        if depth > MOST_DEPTH:
            raise PipelineError(f"A feature of {self.op} is nested more than {MOST_DEPTH} deep.")
        if keys and self.op in INFIX:
            raise PipelineError(f"{self.op} takes no `by`: group what it is made from.")
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "by", tuple(dict.fromkeys(sorted(keys, key=str))))
        object.__setattr__(self, "where", tuple(dict.fromkeys(sorted(self.where, key=str))))
        tables = [table for a in args if (table := home_of(a)) is not None]
        if tables and f"table.{self.op}" in OPERATORS:
            object.__setattr__(self, "measured", tables[0])
            tables = [table for k in self.by if (table := home_of(k)) is not None and table != tables[0]]
        object.__setattr__(self, "home", tables[0] if tables else None)

    def __str__(self) -> str:
        return _written(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of train and test in the expression, in order of appearance."""
        return tuple(dict.fromkeys(n.name for n in nodes(self) if isinstance(n, Column) and n.table is None))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the further tables in the expression."""
        return tuple(dict.fromkeys(n.table for n in nodes(self) if isinstance(n, Column) and n.table is not None))


Node = Column | Feature | int | float


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it, depth first."""
    yield node
    if isinstance(node, Feature):
        for child in (*node.args, *node.by, *(column for c in node.where for column in c.columns)):
            yield from nodes(child)


def home_of(node: Node) -> str | None:
    """The further table for each row of which a node has a value; None for the rows of train and test, and
    literals."""
    return node.table if isinstance(node, Column) else node.home if isinstance(node, Feature) else None


def in_table(node: Node, table: str) -> Node:
    """A node as an expression over the rows of a further table, whose columns are then those without a table."""
    if isinstance(node, Column):
        return Column(node.name) if node.table == table else node
    if not isinstance(node, Feature):
        return node
    where = tuple(
        replace(c, value=Column(c.value.name)) if isinstance(c.value, Column) and c.value.table == table else c
        for c in node.where
    )
    return Feature(
        node.op, tuple(in_table(a, table) for a in node.args), tuple(in_table(k, table) for k in node.by), where
    )


def input_columns(node: Node) -> tuple[str, ...]:
    """Names of the columns of train and test that a node is made from, without those that are nothing but keys by which
    a further table is joined."""
    return tuple(dict.fromkeys(_inputs(node)))


def _inputs(node: Node) -> Iterator[str]:
    if isinstance(node, Column) and node.table is None:
        yield node.name
    if isinstance(node, Feature):
        joins = node.measured is not None
        times = (c.value for c in node.where if isinstance(c.value, Column))
        for child in (*node.args, *(k for k in node.by if not (joins and isinstance(k, Column))), *times):
            yield from _inputs(child)


def feature(op: str, *args: str | Node, by: tuple[str | Node, ...] = (), where: tuple[Condition, ...] = ()) -> Feature:
    """A feature from an operator's name, arguments and keys, where a str names a column: `feature("mean", "price",
    by=("city",))` is `mean(price) by city`."""
    return Feature(op, tuple(map(_node, args)), tuple(map(_node, by)), where)


def _node(value: str | Node) -> Node:
    return Column(value) if isinstance(value, str) else value


def _operator(op: str) -> Operator | None:
    """The operator of a name, or the aggregate `table.name` of further tables; None where there is neither."""
    return OPERATORS.get(op) or OPERATORS.get(f"table.{op}")


def _crossed_keys(key: Node) -> tuple[Node, ...]:
    """The keys that a crossed key is made of, or the key alone."""
    return key.args if isinstance(key, Feature) and key.op == "cross" else (key,)


def _unwrapped(node: Node, wrapper: str) -> Node:
    """An argument without the conversion `wrapper`, which is implicit; a whole float as an int."""
    if isinstance(node, float):
        if not math.isfinite(node):
            raise PipelineError(f"A feature cannot hold the number {node}.")
        return int(node) if node.is_integer() else node
    if isinstance(node, Feature) and node.op == wrapper and not node.by and len(node.args) == 1:
        return node.args[0]
    return node


def _written(node: Node, level: int = 0, *, listed: bool = False) -> str:
    """The text of a node, in brackets where its precedence is below `level` or, `listed`, where its commas need
    them."""
    if not isinstance(node, Feature):
        return str(node)
    if node.op in INFIX and (len(node.args) == 2 or (node.op in FLAT and len(node.args) > 2)):
        binding = LEVELS[node.op]
        last = len(node.args) - 1
        parts = [
            f"({text})" if i < last and isinstance(a, Feature) and a.by and not (listed and len(a.by) > 1) else text
            for i, a in enumerate(node.args)
            for text in (_written(a, binding + (i > 0 or binding == 1), listed=listed),)
        ]
        text = f" {INFIX[node.op]} ".join(parts)
        return f"({text})" if binding < level else text
    text = f"{node.op}({', '.join(_written(a, listed=True) for a in node.args)})"
    if not node.by:
        return text
    text += f" by {', '.join(_written(k, 6, listed=True) for k in node.by)}"
    if node.where:
        text += f" where {' and '.join(map(str, node.where))}"
    return f"({text})" if level > CALL_LEVEL or (listed and len(node.by) > 1) else text
