"""The estimator families, in sight. Adding one is adding a file and a line."""

from __future__ import annotations

from importlib.util import find_spec

from medalist.competitions.errors import PipelineError
from medalist.pipelines.estimators import catboost, lightgbm, neighbours, trees, xgboost
from medalist.pipelines.estimators.base import Family
from medalist.pipelines.estimators.linear import models as linear
from medalist.pipelines.estimators.networks import perceptron
from medalist.pipelines.estimators.networks import tabm as neural

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        lightgbm.FAMILY,
        catboost.FAMILY,
        xgboost.FAMILY,
        linear.FAMILY,
        trees.FAMILY,
        neighbours.FAMILY,
        neural.FAMILY,
        perceptron.FAMILY,
    )
}


def family(name: str) -> Family:
    """The family of that name; PipelineError where there is none."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise PipelineError(f"Unknown estimator family {name!r}: use one of {', '.join(FAMILIES)}.") from None


def installed() -> tuple[str, ...]:
    """Names of the families whose package is installed."""
    return tuple(n for n, f in FAMILIES.items() if f.module is None or find_spec(f.module) is not None)
