"""The parser of expressions: from a text, canonical or not, to a `Feature`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.conditions import BEFORE, COMPARISONS, Condition
from medalist.pipelines.features.language.expression import INFIX, MOST_DEPTH, Column, Feature, Node

OPERATOR_OF_MARK = {mark: op for op, mark in INFIX.items()}
MOST_DIGITS = 400  # digits of a literal number, at most
TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`(?:[^`]|``)*`)|(?P<string>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)|(?P<mark><=|>=|!=|[(),+\-*/×.=<>]))"
)


@lru_cache(maxsize=20_000)
def parse(text: str) -> Feature:
    """Read a feature from its text, canonical or not.

    Raises PipelineError where the text is not one call of an operator or one arithmetic expression.
    """
    tree = Parser(text).whole()
    if not isinstance(tree, Feature):
        raise PipelineError(
            f"The feature {text!r} is no operator's call: write a column as number({tree}) or code({tree})."
        )
    return tree


class Parser:
    """A recursive-descent parser of one expression: + and - bind loosest, then * and /, then ×, then calls."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self.listed = False  # within an argument list, where a comma ends a key
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            match = TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self.error(f"cannot be read at position {at}")
            self.tokens.append((match.lastgroup, match.group(match.lastgroup)))
            at = match.end()
        self.at = 0

    def error(self, what: str) -> PipelineError:
        return PipelineError(f"The feature {self.text!r} {what}: write it as operator(column, …) or a - b.")

    def peek(self) -> tuple[str, str]:
        """The next token as (kind, text): kind is "quoted", "string", "number", "word", "mark" or "end"."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self, mark: str) -> bool:
        """Whether the next token is this mark; if so it is read."""
        if self.peek() == ("mark", mark):
            self.at += 1
            return True
        return False

    def whole(self) -> Node:
        """The expression that the whole text is; PipelineError where tokens remain."""
        tree = self.sum()
        if self.at < len(self.tokens):
            raise self.error(f"is not one expression, but has {self.peek()[1]!r} too many")
        return tree

    def sum(self) -> Node:
        """An expression of lowest precedence: a sum."""
        self.depth += 1
        if self.depth > 2 * MOST_DEPTH + 1:  # an operator's call, and brackets around it
            raise self.error("is nested too deeply")
        left = self.chain(("+", "-"), lambda: self.chain(("*", "/"), lambda: self.chain(("×",), self.unit)))
        self.depth -= 1
        return left

    def within(self, *, listed: bool) -> Node:
        """An expression inside brackets; `listed`: inside a list of arguments, where a comma ends the keys after
        `by`."""
        outer, self.listed = self.listed, listed
        inner = self.sum()
        self.listed = outer
        return inner

    def chain(self, marks: tuple[str, ...], below: Callable[[], Node]) -> Node:
        """Operands of one precedence, left-associative over any of the marks; `below` reads an operand."""
        left = below()
        while self.peek()[0] == "mark" and self.peek()[1] in marks:
            mark = self.peek()[1]
            self.at += 1
            left = Feature(OPERATOR_OF_MARK[mark], (left, below()))
        return left

    def unit(self) -> Node:
        """An atom, with the keys that follow it after `by`."""
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
        return Feature(atom.op, atom.args, tuple(keys), self.conditions())

    def conditions(self) -> tuple[Condition, ...]:
        """The conditions after `where`, none where it is not there."""
        if self.peek() != ("word", "where"):
            return ()
        conditions: list[Condition] = []
        while not conditions or self.peek() == ("word", "and"):
            self.at += 1
            column = self.atom()
            if not isinstance(column, Column) or column.table is None:
                raise self.error(f"has a condition on {column}, which is no column of a further table,")
            kind, mark = self.peek()
            self.at += 1
            if kind == "mark" and mark in COMPARISONS:
                conditions.append(Condition(column, mark, self.literal()))
                continue
            within = self.literal() if (kind, mark) == ("word", "within") else None
            if within is not None:
                kind, mark = self.peek()
                self.at += 1
            reference = self.atom() if (kind, mark) == ("word", BEFORE) else None
            if not isinstance(reference, Column) or isinstance(within, str):
                raise self.error(f"has a condition on {column} that cannot be read")
            conditions.append(Condition(column, BEFORE, reference, within))
        return tuple(conditions)

    def literal(self) -> str | int | float:
        """A text in single quotes or a number."""
        kind, text = self.peek()
        if kind == "string":
            self.at += 1
            return text[1:-1].replace("''", "'")
        value = self.atom()
        if not isinstance(value, int | float):
            raise self.error(f"has {value} where a number or a text in single quotes is needed")
        return value

    def atom(self) -> Node:
        """A literal, an expression in brackets, a column or a call of an operator."""
        kind, value = self.peek()
        if kind == "end":
            raise self.error("ends too early")
        self.at += 1
        if kind == "string":
            raise self.error(f"has the text {value} outside a condition after where")
        if kind == "number":
            if len(value) > MOST_DIGITS:
                raise self.error(f"has a number of more than {MOST_DIGITS} digits")
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
