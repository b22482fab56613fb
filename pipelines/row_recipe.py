"""A recipe of rows as data: steps that weigh, choose or change the training rows of a fold, with their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from medalist.competitions.errors import PipelineError

Step = tuple[str, str, float]  # kind, argument (a column, or a way), amount
Rows = tuple[Step, ...]

ADDITIONAL = "additional"  # the kind that appends the additional training rows
BALANCE = "balance"  # the kind that weighs classes
WORDS = {
    "recency": "weights that halve with each {amount:.0%} of the training time by {argument}",
    "earliest": "without the earliest {amount:.0%} of the rows by {argument}",
    "stretch": "without the stretch of {argument} that begins at {amount:.0%} of the training time",
    "test": "weights by how much more frequent such rows are in test, to the power {amount:g}",
    "merge": "rows of equal inputs as one, with the mean of their targets or the most frequent class",
    "distinct": "rows of equal inputs and targets once",
    "agreeing": "without rows of equal inputs that differ in the target",
    "winsorise": "targets beyond the quantiles {amount:g} and 1 - {amount:g} moved to these",
    "trim": "without rows whose target lies beyond the quantiles {amount:g} and 1 - {amount:g}",
    BALANCE: "classes weighted by their inverse frequency to the power {amount:g}, and probabilities recalibrated",
    ADDITIONAL: "the additional training rows, each counting {amount:g} of a row{argument}",
}
FLAGGED = "flag"  # argument of ADDITIONAL: with a column that tells these rows from others


def recipe(steps: Iterable[Sequence[Any]]) -> Rows:
    """The steps as a canonical tuple, in the order in which they are applied, each kind once (the last one counts).

    Raises PipelineError for a kind that is unknown.
    """
    found: dict[str, Step] = {}
    for kind, argument, amount in steps:
        if kind not in WORDS:
            raise PipelineError(f"Unknown step of the rows {kind!r}: use one of {', '.join(WORDS)}.")
        found[str(kind)] = (str(kind), str(argument), float(amount))
    return tuple(found[kind] for kind in WORDS if kind in found)


def with_step(rows: Rows, step: Step) -> Rows:
    """The recipe with a further step, which replaces the one of the same kind."""
    return recipe((*rows, step))


def row_step(rows: Rows, kind: str) -> Step | None:
    """The step of a kind; None where the recipe has none."""
    return next((step for step in rows if step[0] == kind), None)


def changes_rows(rows: Rows) -> bool:
    """Whether a fold is fitted on other rows than its training part."""
    return any(kind not in ("recency", "test", "winsorise", BALANCE) for kind, _, _ in rows)


def in_words(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Each step in words."""
    return [_words(str(kind), str(argument), float(amount)) for kind, argument, amount in rows]


def _words(kind: str, argument: str, amount: float) -> str:
    if kind == ADDITIONAL:
        argument = ", told apart by a column" if argument == FLAGGED else ""
    return WORDS.get(kind, kind).format(argument=argument, amount=amount)
