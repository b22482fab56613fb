"""What an operator of the feature language is, and the registry of all operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["stateless", "transductive", "supervised"]
Output = Literal["number", "numbers", "category", "sparse"]
Words = str | Callable[..., str]


@dataclass(frozen=True)
class Operator:
    """An operator of the feature language, with all that is known of it. Nothing else lists operators by name.

    kind: *stateless* works row by row; *transductive* looks at all rows of train and test, never at the target;
    *supervised* uses the target and is fitted inside the training part of a fold, always.

    takes: the type of each argument: "number", "key" (anything that groups rows), "date", "order" (a number or a date),
    "text", "sparse", "table" (a column of a further table), "whole" (a literal whole number), "literal" (a literal
    number); a type that ends with "?" may be left out (from the right), one that ends with "+" stands for one or more.

    gives: "number" (n,), "numbers" (n, k), "category" (n,) codes 0… with NaN where missing, or "sparse".

    compute: (frame, feature) → array, or (frame, feature, target) for a supervised one; the first line of its docstring
    is the operator's description.

    words: an English phrase for a feature of this operator: a template over the phrases of its arguments, such as
    "mean of {0}{within}" (`language/words.py` lists the names that it may use), or a function of the feature.

    example: a feature of this operator for the leak tests, over their table: numbers x, z, whole; categories city,
    town, shop, guest, cabin; dates day, until; the text note; a further table orders with shop, buyer, amount, kind.

    grouped: whether it needs `by` (True), refuses it (False), or takes it where given (None).

    symmetric: whether the order of its arguments, literals aside, does not matter: they are sorted.

    ordered: of a category, whether its codes ascend with a number, so that it may be used as a number too.

    relabels: whether it does no more than name or join values of its columns, so that it drifts only as they do.

    width: how many columns it makes, as a guess for the cost of a fit; None where `language.registry.width_of` can tell
    it from the types.

    proposed: whether the search for features tries it on every column, every family of like columns, or every number
    within groups that fits what it takes. What needs literals or compositions is proposed in `search/templates.py`.
    """

    kind: Kind
    takes: tuple[str, ...]
    gives: Output
    compute: Callable[..., Any]
    words: Words
    example: str
    grouped: bool | None = False
    symmetric: bool = False
    ordered: bool = False
    relabels: bool = False
    width: int | None = None
    proposed: bool = False

    @property
    def description(self) -> str:
        """What it computes: the first line of the docstring of `compute`."""
        return (self.compute.__doc__ or "").strip().split("\n")[0]

    @property
    def takes_keys(self) -> bool:
        """Whether its first argument groups rows, and need not be a number."""
        return bool(self.takes) and self.takes[0].rstrip("+?") == "key"

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of arguments of one type."""
        return any(kind.endswith("+") for kind in self.takes)


#: Operator by name. Aggregates of a further table have names such as "table.mean": `mean(orders.amount) by customer`.
#: Filled from the files of `pipelines/features/operators` when `pipelines.features` is imported.
OPERATORS: dict[str, Operator] = {}


def proposed(takes: Sequence[str], gives: Output | None = None, grouped: bool | None = False) -> list[str]:
    """Names of the operators of one signature that the search tries wherever they fit, in the order of the registry."""
    return [
        name
        for name, operator in OPERATORS.items()
        if operator.proposed
        and operator.takes == tuple(takes)
        and operator.grouped is grouped
        and gives in (None, operator.gives)
    ]
