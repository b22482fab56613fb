"""The estimator families: every module of this package that defines `FAMILY`, discovered at import."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec

from medalist.competitions.errors import PipelineError
from medalist.pipelines import estimators
from medalist.pipelines.estimators.base import Family


def _discovered() -> list[Family]:
    """Each module's `FAMILY`, sorted by the family's order, then its name. Importing the modules loads no estimator
    library."""
    modules = (m.name for m in pkgutil.walk_packages(estimators.__path__, f"{estimators.__name__}."))
    defined = (getattr(import_module(name), "FAMILY", None) for name in modules if name != __name__)
    return sorted((f for f in defined if isinstance(f, Family)), key=lambda f: (f.order, f.name))


FAMILIES: dict[str, Family] = {family.name: family for family in _discovered()}


def family(name: str) -> Family:
    """The family of that name; PipelineError where there is none."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise PipelineError(f"Unknown estimator family {name!r}: use one of {', '.join(FAMILIES)}.") from None


def installed() -> tuple[str, ...]:
    """Names of the families whose package is installed."""
    return tuple(n for n, f in FAMILIES.items() if f.module is None or find_spec(f.module) is not None)


def baseline() -> Family:
    """The family of a run's first model, by which features are judged and time is planned: the first with `fast`."""
    return next(f for f in FAMILIES.values() if f.fast is not None)


def stackers() -> tuple[Family, ...]:
    """The families that can be the second level of stacking, those on linear feature sets first."""
    usable = (fam for fam in FAMILIES.values() if fam.stacker is not None)
    return tuple(sorted(usable, key=lambda fam: fam.feature_set != "linear"))
