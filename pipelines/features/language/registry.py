"""The operator of a feature, and the properties of whole expressions that follow from their operators."""

from __future__ import annotations

from functools import lru_cache

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import Feature, nodes
from medalist.pipelines.features.language.operator import OPERATORS, Kind, Operator


def name_of(feature: Feature) -> str:
    """The name of a feature's operator in the registry, such as "mean", or "table.mean" of a further table's column."""
    return feature.op if feature.measured is None else f"table.{feature.op}"


def operator_of(feature: Feature) -> Operator:
    """The operator of a feature; PipelineError where there is none of that name."""
    name = name_of(feature)
    try:
        return OPERATORS[name]
    except KeyError:
        if f"table.{feature.op}" in OPERATORS:
            raise PipelineError(
                f"{feature.op} in {feature} takes a column of a further table: write {feature.op}(table.column) by key."
            ) from None
        names = ", ".join(sorted(o for o in OPERATORS if "." not in o))
        raise PipelineError(f"Unknown operator {feature.op!r} in the feature {feature}: use {names}.") from None


@lru_cache(maxsize=50_000)
def kind_of(feature: Feature) -> Kind:
    """The kind of a whole expression: supervised if any part is, else transductive if any part is, else stateless."""
    kinds = {operator_of(n).kind for n in nodes(feature) if isinstance(n, Feature)}
    return "supervised" if "supervised" in kinds else "transductive" if "transductive" in kinds else "stateless"


@lru_cache(maxsize=50_000)
def looks_at_other_rows(feature: Feature) -> bool:
    """Whether a feature of a row of train and test depends on other such rows: it is not stateless, and does not only
    look at further tables."""
    made = (n for n in nodes(feature) if isinstance(n, Feature) and n.home is None and n.measured is None)
    return any(operator_of(n).kind != "stateless" for n in made)


def is_supervised(feature: Feature) -> bool:
    """Whether any part of a feature uses the target."""
    return kind_of(feature) == "supervised"


def width_of(feature: Feature, outputs: int) -> int:
    """The number of columns of a feature, as an estimate for the cost of a fit.

    outputs: number of targets, or of classes of a multiclass target: the columns of a supervised feature.
    """
    operator = operator_of(feature)
    if operator.width is not None:
        return operator.width
    if operator.gives != "numbers":
        return 1
    if operator.kind == "supervised":
        return outputs
    last = feature.args[-1] if feature.args else 1
    return last if isinstance(last, int) else len(feature.args)
