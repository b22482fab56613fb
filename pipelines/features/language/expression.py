"""A feature is an expression with one canonical text: its identity, its cache key and its explanation.

    count(city)                      price - mean(price) by city        target_mean(brand × city)
    mean(price) by brand, city       area / rooms                       svd(tfidf(text), 16)
    month(sold_at)                   mean(orders.amount) by customer    target_mean(bin(price, 20))

An operator is called on columns, other expressions and literals; `by` names the keys of what looks at groups; `+ - * /`
are arithmetic between numbers, `×` crosses keys. A column of a further table is `table.column`. A name that is no plain
word is quoted with backticks (a backtick within is doubled). In an argument list a comma ends the keys: several keys of
an argument stand in brackets with it, `rank((mean(price) by brand, city))`. Equal expressions are equal features:
arguments whose order does not matter are sorted, and `number(x)` where a number is wanted, or `code(x)` where a key is,
is `x`.

Expressions are data, never code: what is parsed is looked up in a registry and nothing is evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from medalist.competitions.errors import PipelineError

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "cross": "×"}
_NAMES = {mark: op for op, mark in INFIX.items()}
_LEVELS = {"add": 1, "subtract": 1, "multiply": 3, "divide": 3, "cross": 6}
_GROUPED = 5  # how tightly a call with `by` binds: it stands in brackets as a key and in a cross
_FLAT = ("add", "multiply", "cross")  # a + (b + c) is a + b + c
_ROWS = "sum mean min max std median range zeros distinct missing sorted gaps repeats mode"
ALIKE = frozenset({f"row_{what}" for what in _ROWS.split()} | {"target_neighbours", "kmeans", "kmeans_distance", "pca"})
_OF_KEYS = frozenset(
    {"count", "cross", "target_mean", "target_std", "target_median", "distinct", "equal", "missing", "row_missing"}
)  # not of numbers
UNORDERED = frozenset({"add", "multiply", "cross", "equal", "smaller", "larger", "hypotenuse"})  # a + b is b + a
_ARITHMETIC = frozenset(INFIX)  # these take no `by`
_MOST_DEPTH = 12
_MOST_DIGITS = 400
_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`(?:[^`]|``)*`)|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)|(?P<word>[^\W\d]\w*)|(?P<mark>[(),+\-*/×.]))"
)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Column:
    """A column by name: of train and test, or of a further table."""

    name: str
    table: str | None = None

    def __str__(self) -> str:
        return _quoted(self.name) if self.table is None else f"{_quoted(self.table)}.{_quoted(self.name)}"


@dataclass(frozen=True)
class Feature:
    """An operator applied to arguments, within the groups of the keys `by` where there are any.

    It brings itself into its canonical form, so that equal expressions are equal objects. PipelineError where it is
    nested too deeply, groups arithmetic, or holds a number that is not finite.
    """

    op: str
    args: tuple[Node, ...]
    by: tuple[Node, ...] = ()
    depth: int = field(init=False, compare=False, repr=False, default=1)

    def __post_init__(self) -> None:
        args = tuple(_plain(a, "code" if self.op in _OF_KEYS else "number") for a in self.args)
        if self.op in _FLAT:
            args = tuple(
                inner for a in args for inner in (a.args if isinstance(a, Feature) and a.op == self.op else (a,))
            )
        if self.op in UNORDERED:
            args = tuple(sorted(args, key=str))
        elif self.op in ALIKE:  # what they are is all that counts; a literal stays behind them
            args = tuple(sorted(args, key=lambda a: (isinstance(a, int | float), str(a))))
        if self.op == "cross":
            args = tuple(dict.fromkeys(args))
        keys = [inner for k in (_plain(k, "code") for k in self.by) for inner in (k.args if _is(k, "cross") else (k,))]  # type: ignore[union-attr]
        depth = 1 + max((n.depth for n in (*args, *keys) if isinstance(n, Feature)), default=0)
        if depth > _MOST_DEPTH:
            raise PipelineError(f"A feature of {self.op} is nested more than {_MOST_DEPTH} deep.")
        if keys and self.op in _ARITHMETIC:
            raise PipelineError(f"{self.op} takes no `by`: group what it is made from.")
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "by", tuple(dict.fromkeys(sorted(keys, key=str))))

    def __str__(self) -> str:
        return _written(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of train and test that it is made from, in order of appearance."""
        return tuple(dict.fromkeys(n.name for n in nodes(self) if isinstance(n, Column) and n.table is None))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the further tables that it is made from."""
        return tuple(dict.fromkeys(n.table for n in nodes(self) if isinstance(n, Column) and n.table is not None))


Node = Column | Feature | int | float


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it, depth first."""
    yield node
    if isinstance(node, Feature):
        for child in (*node.args, *node.by):
            yield from nodes(child)


def feature(op: str, *args: str | Node, by: tuple[str | Node, ...] = ()) -> Feature:
    """`feature("mean", "price", by=("city",))`: an operator on columns (text), expressions and literals."""
    return Feature(op, tuple(map(_node, args)), tuple(map(_node, by)))


def _node(value: str | Node) -> Node:
    return Column(value) if isinstance(value, str) else value


def _is(node: Node, op: str) -> bool:
    return isinstance(node, Feature) and node.op == op


def _plain(node: Node, wrapper: str) -> Node:
    """An argument without the wrapper that says what would be done anyway; a whole number without a decimal point."""
    if isinstance(node, float):
        if not math.isfinite(node):
            raise PipelineError(f"A feature cannot hold the number {node}.")
        return int(node) if node.is_integer() else node
    if isinstance(node, Feature) and node.op == wrapper and not node.by and len(node.args) == 1:
        return node.args[0]
    return node


def _quoted(name: str) -> str:
    return name if _WORD.fullmatch(name) and name != "by" else "`" + name.replace("`", "``") + "`"


def _written(node: Node, level: int = 0, *, listed: bool = False) -> str:
    """The text of a node; in brackets where it binds less than `level`, or where its commas stand among others."""
    if not isinstance(node, Feature):
        return str(node)
    if node.op in INFIX and (len(node.args) == 2 or (node.op in _FLAT and len(node.args) > 2)):
        own = _LEVELS[node.op]
        last = len(node.args) - 1
        parts = [
            f"({text})" if i < last and isinstance(a, Feature) and a.by and not (listed and len(a.by) > 1) else text
            for i, a in enumerate(node.args)
            for text in (_written(a, own + (i > 0 or own == 1), listed=listed),)
        ]
        text = f" {INFIX[node.op]} ".join(parts)
        return f"({text})" if own < level else text
    text = f"{node.op}({', '.join(_written(a, listed=True) for a in node.args)})"
    if not node.by:
        return text
    text += f" by {', '.join(_written(k, 6, listed=True) for k in node.by)}"
    return f"({text})" if level > _GROUPED or (listed and len(node.by) > 1) else text


@lru_cache(maxsize=20_000)
def parse(text: str) -> Feature:
    """Read a feature from its text, canonical or not.

    Raises PipelineError where the text is not one call of an operator or one arithmetic expression.
    """
    tree = _Parser(text).whole()
    if not isinstance(tree, Feature):
        raise PipelineError(
            f"The feature {text!r} is no operator's call: write a column as number({tree}) or code({tree})."
        )
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.listed = False  # within an argument list, where a comma ends a key
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self.error(f"cannot be read at position {at}")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.at = 0

    def error(self, what: str) -> PipelineError:
        return PipelineError(f"The feature {self.text!r} {what}: write it as operator(column, …) or a - b.")

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, mark: str) -> bool:
        if self.peek() == ("mark", mark):
            self.at += 1
            return True
        return False

    def whole(self) -> Node:
        tree = self.sum()
        if self.at < len(self.tokens):
            raise self.error(f"is not one expression, but has {self.peek()[1]!r} too many")
        return tree

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > 2 * _MOST_DEPTH + 1:  # an operator's call, and brackets around it
            raise self.error("is nested too deeply")
        left = self.chain(("+", "-"), lambda: self.chain(("*", "/"), lambda: self.chain(("×",), self.unit)))
        self.depth -= 1
        return left

    def within(self, *, listed: bool) -> Node:
        before, self.listed = self.listed, listed
        inner = self.sum()
        self.listed = before
        return inner

    def chain(self, marks: tuple[str, ...], below) -> Node:  # type: ignore[no-untyped-def]
        left = below()
        while self.peek()[0] == "mark" and self.peek()[1] in marks:
            mark = self.peek()[1]
            self.at += 1
            left = Feature(_NAMES[mark], (left, below()))
        return left

    def unit(self) -> Node:
        atom = self.atom()
        if self.peek() != ("word", "by"):
            return atom
        if not isinstance(atom, Feature) or atom.op in INFIX or atom.by:
            raise self.error(f"has `by` after {atom}, which is no operator's call,")
        keys = []
        self.at += 1
        keys.append(self.chain(("×",), self.atom))
        while not self.listed and self.take(","):
            keys.append(self.chain(("×",), self.atom))
        return Feature(atom.op, atom.args, tuple(keys))

    def atom(self) -> Node:
        kind, value = self.peek()
        if kind == "end":
            raise self.error("ends too early")
        self.at += 1
        if kind == "number":
            if len(value) > _MOST_DIGITS:
                raise self.error(f"has a number of more than {_MOST_DIGITS} digits")
            return float(value) if {".", "e"} & set(value) else int(value)
        if kind == "mark":
            if value == "-" and self.peek()[0] == "number":
                literal = self.atom()
                assert isinstance(literal, int | float)
                return -literal
            if value != "(":
                raise self.error(f"has an unexpected {value!r}")
            inner = self.within(listed=False)
            if not self.take(")"):
                raise self.error(f"lacks a closing bracket after {inner}")
            return inner
        name = value[1:-1].replace("``", "`") if kind == "quoted" else value
        if self.take("."):
            kind, value = self.peek()
            if kind not in ("quoted", "word"):
                raise self.error(f"names no column of the table {name}")
            self.at += 1
            return Column(value[1:-1].replace("``", "`") if kind == "quoted" else value, name)
        if kind == "quoted" or not self.take("("):
            return Column(name)
        args: list[Node] = []
        if self.take(")"):
            return Feature(name, ())
        while True:
            args.append(self.within(listed=True))
            if self.take(")"):
                return Feature(name, tuple(args))
            if not self.take(","):
                raise self.error(f"lacks a comma or a closing bracket after {args[-1]}")
