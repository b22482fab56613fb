"""Metrics by name. To add one, add it to the file of its kind: labels, probabilities, values, rankings or quantiles."""

from __future__ import annotations

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics import labels, probabilities, quantiles, rankings, values
from medalist.competitions.metrics.by_column import mean_by, split_by
from medalist.competitions.metrics.custom import load_custom, split_custom
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.names import MEAN, POOLED, Vocabulary
from medalist.competitions.metrics.parametrised import Parametrised

METRICS: dict[str, Metric] = {
    m.name: m for m in (*labels.METRICS, *probabilities.METRICS, *values.METRICS, *quantiles.METRICS)
}
PARAMETRISED: dict[str, Parametrised] = {
    m.name: m for m in (*rankings.PARAMETRISED, *values.PARAMETRISED, *labels.PARAMETRISED)
}
ASSUMED = {  # (problem type, what the sample submission holds, "" where that is open) → metric
    ("binary", ""): "auc",
    ("binary", "labels"): "accuracy",
    ("binary", "probabilities"): "logloss",
    ("multiclass", ""): "accuracy",
    ("multiclass", "probabilities"): "mlogloss",
    ("ordinal", ""): "qwk",
    ("regression", ""): "rmse",
}


def get_metric(name: str, n_targets: int = 1) -> Metric:
    """The metric with that name or alias ("ROC AUC", "neg_log_loss"), its mean over the groups of a column of the data
    ("pearson by date"), or the custom metric `file.py:function`.

    For several targets it is the mean over the columns, "mean_<name>", or that of all their values together,
    "pooled_<name>"; a custom metric gets all targets at once.

    Raises
    ------
    MetricError
        For an unknown name (close ones are listed), a parameter that does not fit, a function that cannot be loaded.
    """
    custom = split_custom(name)
    if custom is not None:
        return load_custom(*custom)
    grouped = split_by(name)
    if grouped is not None:
        if n_targets > 1:
            raise MetricError(f"{name} scores one target, and there are {n_targets}: name one target.")
        return mean_by(get_metric(grouped[0]), grouped[1])
    canonical = canonical_name(name)
    if n_targets <= 1 and not canonical.startswith(MEAN):
        return _single(canonical.removeprefix(POOLED))
    metric = _single(canonical.removeprefix(MEAN).removeprefix(POOLED))
    metric = _single(metric.by_type.get("binary", metric.name))
    if metric.level_weights is not None:
        raise MetricError(
            f"{metric.name} scores several quantiles of one target, and there are {n_targets}: name one target."
        )
    if metric.needs == "ranking":
        raise MetricError(f"{metric.name} ranks the classes of one target, and there are {n_targets}: name one target.")
    return metric.over_values() if canonical.startswith(POOLED) else metric.over_columns()


def can_pool(name: str) -> bool:
    """Whether a metric can be taken over the values of several targets together: a built-in one that is no ranking, and
    whose name does not ask for a mean over targets."""
    if split_custom(name) is not None or split_by(name) is not None or canonical_name(name).startswith((MEAN, POOLED)):
        return False
    return _single(canonical_name(name)).needs != "ranking"


def canonical_name(name: str) -> str:
    """The canonical name of a metric from any of its names. MetricError for an unknown one."""
    grouped = split_by(name)
    if grouped is not None:
        return f"{canonical_name(grouped[0])} by {grouped[1]}"
    aliases = {alias: metric.name for metric in METRICS.values() for alias in metric.wording.aliases}
    return Vocabulary(METRICS, aliases, PARAMETRISED).canonical(name)


def metric_names() -> tuple[str, ...]:
    """All canonical names, parameters as letters ("map@k"); most may be preceded by "mean_" for several targets."""
    return (*METRICS, *(metric.placeholder for metric in PARAMETRISED.values()))


def metric_for(name: str, problem_type: str, n_targets: int = 1) -> str:
    """The canonical name of a metric for a problem type: log loss of several classes is "mlogloss", and so on."""
    metric = get_metric(name, n_targets)
    if metric.over_targets and (problem_type == "binary" or metric.needs != "probability"):
        return metric.name
    return metric.by_type.get(problem_type, metric.name)


def assumed_metric(problem_type: str, shown: str = "") -> str:
    """The metric to assume where none is given or named; the caller has to report that it is assumed.

    shown : "labels" or "probabilities" where the sample submission is known to hold them, else "".

    Raises MetricError for an unknown problem type.
    """
    kinds = dict.fromkeys(kind for kind, _ in ASSUMED)
    if problem_type not in kinds:
        raise MetricError(f"Problem type {problem_type!r} is not known: use one of {', '.join(kinds)}.")
    return ASSUMED.get((problem_type, shown), ASSUMED[problem_type, ""])


def _single(name: str) -> Metric:
    """The metric of a canonical name without "mean_"; MetricError where its parameter does not fit."""
    family, at, parameter = name.partition("@")
    return PARAMETRISED[family].metric(parameter) if at else METRICS[family]
