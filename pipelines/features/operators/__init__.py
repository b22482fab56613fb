"""The operators of the feature language, in sight: one file per kind of thing they work on."""

from __future__ import annotations

from functools import lru_cache

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import Feature, nodes
from medalist.pipelines.features.operators import (
    dates,
    groups,
    keys,
    numbers,
    rows,
    sequences,
    spaces,
    strings,
    tables,
    targets,
    text,
)
from medalist.pipelines.features.operators.base import Kind, Operator

OPERATORS: dict[str, Operator] = {
    **numbers.OPERATORS,
    **dates.OPERATORS,
    **strings.OPERATORS,
    **keys.OPERATORS,
    **groups.OPERATORS,
    **rows.OPERATORS,
    **sequences.OPERATORS,
    **spaces.OPERATORS,
    **tables.OPERATORS,
    **text.OPERATORS,
    **targets.OPERATORS,
}


def operator_of(expression: Feature) -> Operator:
    """The operator of a feature; PipelineError where there is none of that name."""
    name = expression.op
    if any(getattr(a, "table", None) for a in expression.args):  # aggregates of a further table have the same names
        name = f"table.{name}"
    try:
        return OPERATORS[name]
    except KeyError:
        if name != expression.op and expression.op in OPERATORS:
            raise PipelineError(
                f"{expression.op} in {expression} takes no column of a further table: "
                "aggregate it first, as in mean(table.column) by key."
            ) from None
        if f"table.{expression.op}" in OPERATORS:
            raise PipelineError(
                f"{expression.op} in {expression} takes a column of a further table: "
                f"write {expression.op}(table.column) by key."
            ) from None
        known = ", ".join(sorted(o for o in OPERATORS if "." not in o))
        raise PipelineError(f"Unknown operator {expression.op!r} in the feature {expression}: use {known}.") from None


@lru_cache(maxsize=50_000)
def kind_of(expression: Feature) -> Kind:
    """The kind of a whole expression: supervised or transductive if any part of it is."""
    kinds = {operator_of(n).kind for n in nodes(expression) if isinstance(n, Feature)}
    return "supervised" if "supervised" in kinds else "transductive" if "transductive" in kinds else "stateless"


def is_supervised(expression: Feature) -> bool:
    """Whether any part of it uses the target."""
    return kind_of(expression) == "supervised"
