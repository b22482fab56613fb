"""medalist: an autonomous agent for tabular machine-learning competitions.

From Python: `run`, `open`, `inspect`, `holdout` and `grade`, and two scikit-learn estimators. The packages below
(`medalist.agent`, `medalist.competitions`, …) are the four folders at the root of the repository.

Examples
--------
>>> import medalist
>>> run = medalist.run("titanic", budget="10m")  # doctest: +SKIP
>>> run.score, run.standing, run.submission  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalist.agent.grading import Grade
    from medalist.agent.python.classifier import MedalistClassifier
    from medalist.agent.python.grading import grade
    from medalist.agent.python.holdouts import Holdout, holdout
    from medalist.agent.python.inspection import Inspection, inspect
    from medalist.agent.python.regressor import MedalistRegressor
    from medalist.agent.python.results import Run, open
    from medalist.agent.python.running import run
    from medalist.competitions.errors import MedalistError
    from medalist.leaderboard.boards.standing import Standing

__all__ = [
    "Grade",
    "Holdout",
    "Inspection",
    "MedalistClassifier",
    "MedalistError",
    "MedalistRegressor",
    "Run",
    "Standing",
    "grade",
    "holdout",
    "inspect",
    "open",
    "run",
]

_MODULES = {
    "Grade": "medalist.agent.grading",
    "Holdout": "medalist.agent.python.holdouts",
    "Inspection": "medalist.agent.python.inspection",
    "MedalistClassifier": "medalist.agent.python.classifier",
    "MedalistError": "medalist.competitions.errors",
    "MedalistRegressor": "medalist.agent.python.regressor",
    "Run": "medalist.agent.python.results",
    "Standing": "medalist.leaderboard.boards.standing",
    "grade": "medalist.agent.python.grading",
    "holdout": "medalist.agent.python.holdouts",
    "inspect": "medalist.agent.python.inspection",
    "open": "medalist.agent.python.results",
    "run": "medalist.agent.python.running",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used: `import medalist` alone imports nothing heavy."""
    if name not in _MODULES:
        raise AttributeError(f"module 'medalist' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
