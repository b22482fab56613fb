"""The declaration of an operator of the feature language, and the registry of all operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["stateless", "transductive", "supervised"]
Output = Literal["number", "numbers", "category", "sparse"]
Words = str | Callable[..., str]


@dataclass(frozen=True)
class Operator:
    """The declaration of an operator of the feature language.

    kind: *stateless* computes each row from that row; *transductive* uses all rows of train and test, but not the
    target; *supervised* uses the target and is always fitted on the training part of a fold.

    takes: the type of each argument: "number", "key" (anything that groups rows), "date", "order" (a number or a date),
    "text", "sparse", "table" (a column of a further table, or what is made of its columns), "table order" (a number or
    a date of one), "whole" (a literal whole number), "literal" (a literal number); a type that ends with "?" may be
    left out (from the right), one that ends with "+" stands for one or more.

    gives: the type of its values: "number" (n,), "numbers" (n, k), "category" (n,) codes from 0 on, NaN where missing,
    or "sparse" (n, k).

    compute: (frame, feature) → array, or (frame, feature, target) for a supervised one; the first line of its docstring
    is the operator's description.

    words: the English phrase for a feature of this operator: a template over the phrases of its arguments, such as
    "mean of {0}{within}" (`language/words.py` lists the names that it may use), or a function of the feature.

    of_group: whether all rows of a group (of equal keys `by`, else of equal arguments) have one value; a row that comes
    after a run then takes that of its group. unseen: its value where no row of train and test is in its group.

    numbered: whether its categories are numbered over all rows, so that those of a row that comes after a run must not
    move the others' numbers.

    example: a feature of this operator for the leak tests, over their table: numbers x, z, whole; categories city,
    town, shop, guest, cabin; dates day, until; the text note; a further table orders with shop, buyer, amount, kind and
    the date sold.

    grouped: whether it needs `by` (True), refuses it (False), or takes it where given (None).

    symmetric: whether the order of its arguments, except literals, is irrelevant; they are then sorted.

    ordered: for a category, whether its codes are ordinal, so that it may be used as a number too.

    relabels: whether it only encodes or combines the values of its columns, so that it drifts only where they do.

    width: number of its columns, as an estimate for the cost of a fit; None where `language.registry.width_of` derives
    it from the types.

    proposed: whether the search for features tries it on every column, every family of similar columns, or every number
    within groups whose type fits. Features with literals or compositions are proposed in `search/templates.py`.
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
    of_group: bool = False
    unseen: float = float("nan")
    numbered: bool = False

    @property
    def description(self) -> str:
        """The first line of the docstring of `compute`, for the documentation."""
        return (self.compute.__doc__ or "").strip().split("\n")[0]

    @property
    def takes_keys(self) -> bool:
        """Whether its first argument is a key."""
        return bool(self.takes) and self.takes[0].rstrip("+?") == "key"

    @property
    def variadic(self) -> bool:
        """Whether it takes any number of arguments of one type."""
        return any(kind.endswith("+") for kind in self.takes)


#: Operator by name. Aggregates of a further table have names such as "table.mean": `mean(orders.amount) by customer`.
#: Filled from the files of `pipelines/features/operators` when `pipelines.features` is imported.
OPERATORS: dict[str, Operator] = {}


def proposed(takes: Sequence[str], gives: Output | None = None, grouped: bool | None = False) -> list[str]:
    """Names of the `proposed` operators with this signature, in the order of the registry. gives: None for any."""
    return [
        name
        for name, operator in OPERATORS.items()
        if operator.proposed
        and operator.takes == tuple(takes)
        and operator.grouped is grouped
        and gives in (None, operator.gives)
    ]
