"""From the many names of a metric to its canonical one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from medalist.competitions.errors import MetricError

# Alias, lower case with "_" between words → canonical name. A leading "neg_" (scikit-learn's scorers) is ignored, a
# leading "mean_" or "columnwise_" before any of these is the mean over targets.
ALIASES: dict[str, str] = {
    "acc": "accuracy", "accuracy_score": "accuracy", "categorization_accuracy": "accuracy",
    "classification_accuracy": "accuracy", "balanced_accuracy_score": "balanced_accuracy",
    "f1_score": "f1", "binary_f1": "f1", "f1_binary": "f1", "f_score": "f1", "f_measure": "f1",
    "f1_macro": "macro_f1", "f1_micro": "micro_f1", "f1_weighted": "weighted_f1", "macro_averaged_f1": "macro_f1",
    "f2": "fbeta@2", "f0.5": "fbeta@0.5", "f2_score": "fbeta@2", "f0.5_score": "fbeta@0.5",
    "matthews": "mcc", "matthews_corrcoef": "mcc", "matthews_correlation": "mcc",
    "matthews_correlation_coefficient": "mcc",
    "quadratic_weighted_kappa": "qwk", "weighted_kappa": "qwk", "quadratic_kappa": "qwk",
    "roc_auc": "auc", "auc_roc": "auc", "auroc": "auc", "rocauc": "auc", "roc_auc_score": "auc", "auc_score": "auc",
    "area_under_the_roc_curve": "auc", "area_under_roc_curve": "auc", "area_under_curve": "auc",
    "area_under_receiver_operating_characteristic_curve": "auc", "area_under_the_curve": "auc",
    "roc_auc_ovr": "auc_ovr", "auc_one_vs_rest": "auc_ovr", "multiclass_auc": "auc_ovr", "macro_auc": "auc_ovr",
    "ap": "average_precision", "pr_auc": "average_precision", "auc_pr": "average_precision",
    "average_precision_score": "average_precision", "auprc": "average_precision",
    "log_loss": "logloss", "binary_logloss": "logloss", "binary_log_loss": "logloss", "logarithmic_loss": "logloss",
    "cross_entropy": "logloss", "binary_cross_entropy": "logloss", "binary_crossentropy": "logloss",
    "binary_logarithmic_loss": "logloss",
    "multi_logloss": "mlogloss", "multiclass_logloss": "mlogloss", "multiclass_log_loss": "mlogloss",
    "multi_class_log_loss": "mlogloss", "multi_class_logloss": "mlogloss", "categorical_crossentropy": "mlogloss",
    "multiclass_logarithmic_loss": "mlogloss", "multi_class_logarithmic_loss": "mlogloss",
    "categorical_cross_entropy": "mlogloss",
    "balanced_log_loss": "balanced_logloss", "balanced_logarithmic_loss": "balanced_logloss",
    "class_balanced_log_loss": "balanced_logloss", "class_balanced_logloss": "balanced_logloss",
    "weighted_log_loss": "balanced_logloss", "weighted_logloss": "balanced_logloss",
    "error": "error_rate", "misclassification_rate": "error_rate", "zero_one_loss": "error_rate",
    "brier_score": "brier", "brier_loss": "brier", "brier_score_loss": "brier",
    "root_mean_squared_error": "rmse", "root_mean_square_error": "rmse", "rmsd": "rmse",
    "weighted_rmse": "wrmse", "weighted_root_mean_squared_error": "wrmse",
    "mean_squared_error": "mse", "mean_square_error": "mse", "l2": "mse",
    "root_mean_squared_log_error": "rmsle", "root_mean_squared_logarithmic_error": "rmsle",
    "root_mean_square_log_error": "rmsle", "root_mean_square_logarithmic_error": "rmsle",
    "weighted_rmsle": "wrmsle", "nwrmsle": "wrmsle",
    "mean_squared_log_error": "msle", "mean_squared_logarithmic_error": "msle",
    "mean_absolute_error": "mae", "mean_abs_error": "mae", "mean_absolute_deviation": "mae", "l1": "mae",
    "weighted_mae": "wmae", "weighted_mean_absolute_error": "wmae",
    "median_absolute_error": "medae", "median_ae": "medae", "mdae": "medae",
    "mean_absolute_percentage_error": "mape", "mean_absolute_percent_error": "mape",
    "symmetric_mape": "smape", "symmetric_mean_absolute_percentage_error": "smape",
    "symmetric_mean_absolute_percent_error": "smape",
    "root_mean_squared_percentage_error": "rmspe", "root_mean_square_percentage_error": "rmspe",
    "r_squared": "r2", "r2_score": "r2", "coefficient_of_determination": "r2", "rsquared": "r2", "r_2": "r2",
    "normalized_gini": "gini", "normalised_gini": "gini", "gini_coefficient": "gini", "gini_index": "gini",
    "normalized_gini_coefficient": "gini", "normalised_gini_coefficient": "gini",
    "pearsonr": "pearson", "pearson_correlation": "pearson", "pearson_correlation_coefficient": "pearson",
    "correlation": "pearson", "pcc": "pearson",
    "spearmanr": "spearman", "spearman_correlation": "spearman", "rank_correlation": "spearman",
    "spearman_rank_correlation": "spearman",
    "mcrmse": "mean_rmse", "mcrmsle": "mean_rmsle", "mcauc": "mean_auc", "mcll": "mean_logloss",
}  # fmt: skip
_FAMILIES = (
    (re.compile(r"(?:map|mean_average_precision|mean_average_precision_map)(?:_?at)?[_@]*(?P<n>\d+)"), "map"),
    (re.compile(r"(?:pinball|quantile)(?:_loss)?(?:_at)?[_@]*(?P<n>0?\.\d+)"), "pinball"),
    (re.compile(r"f_?beta(?:_score)?[_@]*(?P<n>\d*\.?\d+)"), "fbeta"),
)
_PARAMETRISED = re.compile(r"(?P<family>map|pinball|fbeta)@.*")
_NEEDS_PARAMETER = {
    "map": "map@3", "mean_average_precision": "map@3", "apk": "map@3", "mapk": "map@3", "map@k": "map@3",
    "pinball": "pinball@0.9", "quantile": "pinball@0.9", "pinball_loss": "pinball@0.9", "pinball@q": "pinball@0.9",
    "quantile_loss": "pinball@0.9", "fbeta": "fbeta@2", "f_beta": "fbeta@2", "fbeta@b": "fbeta@2",
}  # fmt: skip


def canonical_name(name: str) -> str:
    """The canonical name, with "mean_" where the name asks for a mean over targets.

    Raises
    ------
    MetricError
        For an unknown name, with the closest ones; for a family without its parameter ("map").
    """
    from medalist.competitions.metrics.registry import METRICS

    key = normalised(name)
    found = _lookup(key, METRICS)
    if found is not None:
        return found
    for prefix in ("mean_columnwise_", "mean_column_wise_", "columnwise_mean_", "column_wise_mean_", "columnwise_",
                   "column_wise_", "average_", "mean_", "mc"):  # fmt: skip
        if key.startswith(prefix) and (base := _lookup(key.removeprefix(prefix), METRICS)) is not None:
            return base if base.startswith("mean_") else f"mean_{base}"
    if key in _NEEDS_PARAMETER:
        raise MetricError(f"Metric {name!r} needs its parameter: write it as {_NEEDS_PARAMETER[key]}.")
    raise MetricError(_unknown(name, key, tuple(METRICS)))


def normalised(name: str) -> str:
    """Lower case, words joined by "_", "²" as 2; "@" and "." are kept."""
    return re.sub(r"[^a-z0-9@.]+", "_", name.strip().lower().replace("²", "2").replace("^2", "2")).strip("_")


def _lookup(key: str, known: Mapping[str, object]) -> str | None:
    for candidate in (key, key.removeprefix("neg_")):
        if candidate in known:
            return candidate
        if candidate in ALIASES:
            return ALIASES[candidate]
        if _PARAMETRISED.fullmatch(candidate) and candidate not in _NEEDS_PARAMETER:
            return candidate
        for pattern, family in _FAMILIES:
            if match := pattern.fullmatch(candidate):
                return f"{family}@{float(match['n']):g}"
    return None


def _unknown(name: str, key: str, known: tuple[str, ...]) -> str:
    import difflib

    spellings = {**{k: k for k in known}, **ALIASES, **_NEEDS_PARAMETER}
    near = difflib.get_close_matches(key, spellings, n=6, cutoff=0.5)
    close = list(dict.fromkeys(spellings[spelling] for spelling in near))[:3]
    if close:
        return f"Metric {name!r} is not known: did you mean {', '.join(close)}? (or give your own as file.py:function)"
    return f"Metric {name!r} is not known: use one of {', '.join(known)}, or your own as file.py:function."
