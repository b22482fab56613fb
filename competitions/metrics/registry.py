"""The metrics, by canonical name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics import functions as fn
from medalist.competitions.metrics.metric import Mean, Metric, Needs

INF = float("inf")
VALUES = ("regression", "ordinal")
CLASSES = ("binary", "multiclass", "ordinal")


def _metric(
    name: str,
    title: str,
    greater: bool,
    needs: Needs,
    objective: str,
    types: tuple[str, ...],
    *,
    function: Callable[..., Any],
    constant: best.Constant,
    mean: Mean = "",
    bounds: tuple[float, float] | None = None,
    weighted: bool = False,
) -> Metric:
    return Metric(
        name=name,
        greater_is_better=greater,
        needs=needs,
        objective=objective,
        problem_types=types,
        bounds=bounds or ((0.0, 1.0) if greater else (0.0, INF)),
        per_row=bool(mean),
        title=title,
        function=function,
        constant=constant,
        mean=mean,
        weighted=weighted,
    )


def _error(name: str, title: str, objective: str, **rest: Any) -> Metric:
    """An error of values, smaller better."""
    return _metric(name, title, False, "value", objective, VALUES, **rest)


def _label(name: str, title: str, types: tuple[str, ...] = CLASSES, **rest: Any) -> Metric:
    """A score of labels, greater better."""
    return _metric(name, title, True, "label", "logloss", types, **rest)


def _chance(name: str, title: str, greater: bool, types: tuple[str, ...], **rest: Any) -> Metric:
    """A score of probabilities."""
    return _metric(name, title, greater, "probability", "logloss", types, **rest)


_BOTH = ("binary", "multiclass")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _label("accuracy", "Accuracy", function=fn.zero_one_loss, constant=best.majority, mean="complement"),
        _metric("error_rate", "Misclassification rate", False, "label", "logloss", CLASSES, function=fn.zero_one_loss,
                constant=best.majority, mean="plain", bounds=(0.0, 1.0)),
        _label("balanced_accuracy", "Balanced accuracy", function=fn.balanced_accuracy, constant=best.majority),
        _label("f1", "F1 score of the positive class", ("binary",), function=fn.f_beta, constant=best.positive),
        _label("macro_f1", "Macro F1", function=partial(fn.f_beta, average="macro"), constant=best.majority),
        _label("micro_f1", "Micro F1", function=fn.zero_one_loss, constant=best.majority, mean="complement"),
        _label("weighted_f1", "Weighted F1", function=partial(fn.f_beta, average="weighted"), constant=best.majority),
        _label("mcc", "Matthews correlation", function=fn.matthews, constant=best.majority, bounds=(-1.0, 1.0)),
        _metric("qwk", "Quadratic weighted kappa", True, "label", "ordinal", ("ordinal", "multiclass", "binary"),
                function=fn.quadratic_kappa, constant=best.middle_class, bounds=(-1.0, 1.0)),
        _chance("auc", "Area under the ROC curve", True, _BOTH, function=fn.auc, constant=best.prior),
        _chance("auc_ovr", "Area under the ROC curve, one-vs-rest", True, ("multiclass", "binary"), function=fn.auc,
                constant=best.prior),
        _chance("average_precision", "Average precision (area under precision and recall)", True, ("binary",),
                function=fn.average_precision, constant=best.prior),
        _chance("logloss", "Log loss", False, _BOTH, function=fn.log_loss, constant=best.prior, mean="plain"),
        _chance("mlogloss", "Multiclass log loss", False, ("multiclass", "binary"), function=fn.log_loss,
                constant=best.prior, mean="plain"),
        _chance("balanced_logloss", "Class-balanced log loss", False, _BOTH, function=fn.balanced_log_loss,
                constant=best.equal_prior),
        _chance("brier", "Brier score", False, _BOTH, function=fn.brier_loss, constant=best.prior, mean="plain",
                bounds=(0.0, 2.0)),
        _metric("gini", "Normalised Gini coefficient", True, "probability", "l2", ("binary", "regression"),
                function=fn.gini, constant=best.mean, bounds=(-1.0, 1.0)),
        _error("rmse", "Root mean squared error", "l2", function=fn.squared_error, constant=best.mean, mean="root"),
        _error("wrmse", "Weighted root mean squared error", "l2", function=fn.squared_error, constant=best.mean,
               mean="root", weighted=True),
        _error("mse", "Mean squared error", "l2", function=fn.squared_error, constant=best.mean, mean="plain"),
        _error("rmsle", "Root mean squared logarithmic error", "log_l2", function=fn.squared_log_error,
               constant=best.log_mean, mean="root"),
        _error("wrmsle", "Weighted root mean squared logarithmic error", "log_l2", function=fn.squared_log_error,
               constant=best.log_mean, mean="root", weighted=True),
        _error("msle", "Mean squared logarithmic error", "log_l2", function=fn.squared_log_error,
               constant=best.log_mean, mean="plain"),
        _error("mae", "Mean absolute error", "l1", function=fn.absolute_error, constant=best.median, mean="plain"),
        _error("wmae", "Weighted mean absolute error", "l1", function=fn.absolute_error, constant=best.median,
               mean="plain", weighted=True),
        _error("medae", "Median absolute error", "l1", function=fn.median_absolute_error,
               constant=best.shortest_half),
        _error("mape", "Mean absolute percentage error (as a share)", "mape", function=fn.absolute_percentage_error,
               constant=best.percentage_median, mean="plain"),
        _error("smape", "Symmetric mean absolute percentage error (in percent)", "log_l1", mean="plain",
               function=fn.symmetric_percentage_error, constant=best.symmetric_percentage, bounds=(0.0, 200.0)),
        _error("rmspe", "Root mean squared percentage error", "log_l2",
               function=fn.root_mean_squared_percentage_error, constant=best.percentage_mean),
        _metric("r2", "Coefficient of determination (R²)", True, "value", "l2", VALUES, function=fn.r2,
                constant=best.mean, bounds=(-INF, 1.0)),
        _metric("pearson", "Pearson correlation", True, "value", "l2", VALUES, function=fn.pearson,
                constant=best.mean, bounds=(-1.0, 1.0)),
        _metric("spearman", "Spearman correlation", True, "value", "l2", VALUES, function=fn.spearman,
                constant=best.mean, bounds=(-1.0, 1.0)),
    )
}  # fmt: skip


def _map_at(name: str, k: float) -> Metric:
    return _metric(name, f"Mean average precision at {k:g}", True, "ranking", "logloss", ("multiclass", "binary"),
                   function=partial(fn.average_precision_loss_at, k=int(k)), constant=best.prior,
                   mean="complement")  # fmt: skip


def _pinball_at(name: str, q: float) -> Metric:
    return _error(name, f"Pinball loss of quantile {q:g}", f"quantile:{q:g}",
                  function=partial(fn.pinball_loss, quantile=q), constant=best.quantile(q),
                  mean="plain")  # fmt: skip


def _f_beta_at(name: str, beta: float) -> Metric:
    return _label(name, f"F{beta:g} score of the positive class", ("binary",),
                  function=partial(fn.f_beta, beta=beta), constant=best.positive)  # fmt: skip


PARAMETRISED: dict[str, tuple[str, str, Callable[[str, float], Metric]]] = {
    # family: (letter, what the parameter must be, maker)
    "map": ("k", "a whole number from 1, as in map@3", _map_at),
    "pinball": ("q", "a quantile between 0 and 1, as in pinball@0.9", _pinball_at),
    "fbeta": ("b", "a number above 0, as in fbeta@2", _f_beta_at),
}


def base_metric(name: str) -> Metric:
    """The metric of a canonical name without "mean_"; MetricError where its parameter does not fit."""
    family, at, text = name.partition("@")
    if not at:
        return METRICS[family]
    _, what, make = PARAMETRISED[family]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    fits = {"map": value >= 1 and value == int(value), "pinball": 0 < value < 1, "fbeta": 0 < value < INF}
    if not fits[family]:
        raise MetricError(f"Metric {name!r} needs {what}.")
    return make(f"{family}@{value:g}", value)
