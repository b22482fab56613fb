"""Custom metrics: `file.py:function`, a person's function that is called with (y_true, y_pred) and returns a number.

With `columns` it is called with (y_true, y_pred, rows), so that it can score by group or date, or weigh rows.

Its properties can be set by attributes of the function or, failing that, by constants of its module (in lower or upper
case):

greater_is_better : bool, True by default, as scikit-learn's `make_scorer` has it.
needs : "value" (default), "probability", "label" or "ranking".
objective : what estimators minimise: "l2", "l1", "mape", "quantile:0.9" (any quantile), "log_l2" or "log_l1" (of
    logarithms), or "logloss"; by default "logloss" for probabilities, labels and rankings, else "l2".
columns : names of columns of train, () by default. `rows` is a dict of them, name → (n,) floats: numbers as they are,
    dates as seconds since 1970, other values as codes (equal where the values are), NaN where one is missing. Answers
    that are graded have to hold them too, or be of a test table that does.

y_true and y_pred are float arrays: (n,) for one target; (n, T) for several; probabilities of several classes, and
rankings, are (n, K). Classes come as codes 0…K-1 in the order of the task's classes (binary: 1 is the positive class).
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_args

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics.by_column import named_values
from medalist.competitions.metrics.metric import Metric, Needs
from medalist.competitions.naming import did_you_mean_path

_NAME = re.compile(r"(?P<file>.+\.py):(?P<function>[A-Za-z_]\w*)")
_TYPES = {
    "probability": ("binary", "multiclass"),
    "ranking": ("multiclass", "binary"),
    "label": ("binary", "multiclass", "ordinal"),
    "value": ("regression", "ordinal"),
}
_ANY = ("binary", "multiclass", "ordinal", "regression")
_OBJECTIVE = re.compile(r"(?:log_)?l[12]|mape|logloss|ordinal|quantile:0?\.\d+")
_QUANTILES = 31  # of the target, that are tried as constant predictions
_PROBABILITIES = 49  # of the positive class, evenly spaced, that are tried as constant predictions


def split_custom(name: str) -> tuple[Path, str] | None:
    """(file, function) of `file.py:function`, the file made absolute; None for any other name.

    Raises MetricError where the file's name cannot be one.
    """
    match = _NAME.fullmatch(name.strip())
    if match is None:
        return None
    try:
        return Path(match["file"]).expanduser().resolve(), match["function"]
    except (OSError, RuntimeError, ValueError) as error:
        raise MetricError(f"The metric's file {match['file']!r} cannot be found ({_error_text(error)}).") from error


@dataclass(frozen=True)
class CustomFunction:
    """A person's function, called on copies of y (n, ...) and p (n, ...); returns its score as a float.

    columns: of the data whose values it is called with as well. It is pickled as (file, name) and loaded again from the
    file. Calls raise MetricError where the function fails or
    returns no finite number.
    """

    file: Path
    name: str
    called: Callable[..., Any]
    columns: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Callable[[Path, str], CustomFunction], tuple[Path, str]]:
        return _load, (self.file, self.name)

    def __call__(self, y: np.ndarray, p: np.ndarray, rows: np.ndarray | None = None) -> float:
        where = f"{self.file}:{self.name}"
        try:
            more = () if rows is None else (dict(named_values(self.columns, rows.copy())),)
            score = float(self.called(y.copy(), p.copy(), *more))
        except (Exception, SystemExit) as error:
            raise MetricError(
                f"The metric {where} failed ({_error_text(error)}): mend it or choose another."
            ) from error
        if np.isnan(score):
            raise MetricError(f"The metric {where} gave no number (NaN) for these predictions: mend it.")
        if np.isinf(score):
            raise MetricError(f"The metric {where} gave an infinite number ({score:g}) for these predictions: mend it.")
        return score


def load_custom(file: Path, function: str) -> Metric:
    """The Metric whose score is the function of that name in the file.

    Raises
    ------
    MetricError
        When the file or the function is missing, the file cannot be run, or an attribute is not what it should be.
    """
    loaded = _load(file, function)
    where, called, module = f"{file}:{function}", loaded.called, sys.modules[_module_name(file)]
    greater = _setting(called, module, "greater_is_better", True)
    needs = _setting(called, module, "needs", None)
    if not isinstance(greater, bool):
        raise MetricError(f"{where}: greater_is_better is {greater!r}, and has to be True or False.")
    if needs is not None and needs not in get_args(Needs):
        raise MetricError(f"{where}: needs is {needs!r}, and has to be one of {', '.join(get_args(Needs))}.")
    kind: Needs = needs or "value"
    objective = _setting(called, module, "objective", "l2" if kind == "value" else "logloss")
    if not isinstance(objective, str) or not _OBJECTIVE.fullmatch(objective):
        raise MetricError(
            f"{where}: objective is {objective!r}, and has to be one of l2, l1, log_l2, log_l1, mape, quantile:0.9 (or "
            f"another quantile) and logloss."
        )
    return Metric(
        name=where,
        title=(str(called.__doc__ or "").strip().split("\n")[0].rstrip(".") or function)[:80],
        greater_is_better=greater,
        needs=kind,
        objective=objective,
        problem_types=_TYPES[kind] if needs else _ANY,
        bounds=(float("-inf"), float("inf")),
        function=loaded,
        constant=partial(_best_candidate, loaded, kind, greater),
        whole=True,
        columns=loaded.columns,
    )


def _module_name(file: Path) -> str:
    return f"medalist_metric_{file.stem}"


def _load(file: Path, function: str) -> CustomFunction:
    """The function of that name in the file. Raises MetricError."""
    called = getattr(_run(file), function, None)
    if not callable(called):
        raise MetricError(f"{file} has no function {function}: name a function(y_true, y_pred) that returns a number.")
    named = _setting(called, sys.modules[_module_name(file)], "columns", ())
    columns = (named,) if isinstance(named, str) else named
    if not isinstance(columns, list | tuple) or not all(isinstance(name, str) for name in columns):
        raise MetricError(
            f"{file}:{function}: columns is {named!r}, and has to be a list of names of columns of train."
        )
    return CustomFunction(file, function, called, tuple(columns))


def _run(file: Path) -> ModuleType:
    """The module that the file defines, executed. Raises MetricError."""
    if not file.is_file():
        raise MetricError(
            f"The metric's file {file} does not exist{did_you_mean_path(file)}: give its path as file.py:function."
        )
    spec = importlib.util.spec_from_file_location(_module_name(file), file)
    if spec is None or spec.loader is None:
        raise MetricError(f"The metric's file {file} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise MetricError(f"The metric's file {file} cannot be run ({_error_text(error)}): mend it.") from error
    return module


def _setting(function: object, module: ModuleType, name: str, default: Any) -> Any:
    """The attribute `name` of the function, else the constant of its module, in lower or upper case, else `default`."""
    for holder, key in ((function, name), (module, name), (module, name.upper())):
        if hasattr(holder, key):
            return getattr(holder, key)
    return default


def _error_text(error: BaseException) -> str:
    """An error as one line: its type and the beginning of its message."""
    text = str(error).split("\n")[0].rstrip(".")[:120]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _best_candidate(
    score: CustomFunction,
    needs: Needs,
    greater: bool,
    y: np.ndarray,
    weights: np.ndarray | None,
    n_classes: int | None,
) -> np.ndarray:
    """The best of a few dozen constants for one target y (n,) by a custom score: (1,) or, for probabilities, (K,).

    Constants for which the score is undefined are passed over; where all are, the mean or the class shares; so too for
    a score that looks at columns, which are not known here.
    """
    candidates = _candidates(needs, y, weights, n_classes)
    if score.columns:
        return candidates[0]
    worst = -np.inf if greater else np.inf
    scores = []
    for constant in candidates:
        width = len(constant)
        filled = np.broadcast_to(constant, (len(y), width)).copy()
        try:
            scores.append(score(y, filled[:, 0] if width == 1 else filled))
        except MetricError:
            scores.append(worst)
    return candidates[int(np.argmax(scores) if greater else np.argmin(scores))]


def _candidates(needs: Needs, y: np.ndarray, weights: np.ndarray | None, n_classes: int | None) -> list[np.ndarray]:
    """Constants to try, each (1,) or, for probabilities of several classes, (K,); the first is the fallback."""
    if needs == "label":
        return [np.array([code]) for code in np.unique(y)]
    if needs in ("probability", "ranking"):
        shares = best.prior(y, weights, n_classes)
        if len(shares) == 1:
            return [shares, *(np.array([q]) for q in np.linspace(0.02, 0.98, _PROBABILITIES))]
        return [shares, np.full(len(shares), 1.0 / len(shares)), *(cast(np.ndarray, np.eye(len(shares))))]
    values = np.unique(np.concatenate([np.quantile(y, np.linspace(0, 1, _QUANTILES)), [0.0]]))
    return [best.mean(y, None, None), best.median(y, None, None), *(np.array([value]) for value in values)]
