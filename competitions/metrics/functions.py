"""Metrics as functions of arrays, for one target.

Every score takes y (n,) and p (n,) or (n, K) and returns a float; every row loss takes the same and returns (n,),
smaller being better. They run once for an experiment and hundreds of times in a search for thresholds, so most are
written with numpy; the tests hold them equal to scikit-learn's wherever scikit-learn has one. All raise MetricError
where the value is not defined.
"""

from __future__ import annotations

import numpy as np

from medalist.competitions.errors import MetricError
from medalist.competitions.metrics.confusion import confusion_tables
from medalist.competitions.metrics.metric import ConfusionScore

LOG_EPSILON = 1e-15  # distance from 0 and 1 at which a log loss clips probabilities, as Kaggle does
DIVISION_EPSILON = float(np.finfo(np.float64).eps)  # the smallest |y| that MAPE divides by, as in scikit-learn


# Row losses: y (n,), p (n,) or (n, K) -> (n,)


def squared_error(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(y - p)²."""
    return (y - p) ** 2


def absolute_error(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """|y - p|."""
    return np.abs(y - p)


def squared_log_error(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(log(1 + y) - log(1 + p))²; MetricError where a value is below zero."""
    for values, what in ((y, "target"), (p, "prediction")):
        if values.size and values.min() < 0:
            remedy = "clip the predictions at zero" if what == "prediction" else "choose another metric with --metric"
            raise MetricError(
                f"A logarithmic error needs values of zero or more, and a {what} is {values.min():g}: {remedy}."
            )
    return (np.log1p(y) - np.log1p(p)) ** 2


def absolute_percentage_error(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """|y - p| / |y|, as a share."""
    return np.abs(y - p) / np.maximum(np.abs(y), DIVISION_EPSILON)


def symmetric_percentage_error(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """200 |y - p| / (|y| + |p|), and 0 where both are 0: in percent."""
    total = np.abs(y) + np.abs(p)
    return np.where(total > 0, 200.0 * np.abs(y - p) / np.where(total > 0, total, 1.0), 0.0)


def pinball_loss(y: np.ndarray, p: np.ndarray, quantile: float) -> np.ndarray:
    """`quantile` times the error where p is too low, 1 - `quantile` times it where p is too high."""
    return np.maximum(quantile * (y - p), (quantile - 1.0) * (y - p))


def zero_one_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """1 where the label is wrong, else 0."""
    codes(p)
    return (y != p).astype(float)


def log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """-log of the probability given to the true class; rows of several classes are first scaled to sum to one."""
    checked = probabilities(p)
    if p.ndim == 1:
        true = np.where(codes(y, 2) == 1, checked, 1.0 - checked)
    else:
        true = checked[np.arange(len(y)), codes(y, p.shape[1])]
    return -np.log(np.clip(true, LOG_EPSILON, 1.0 - LOG_EPSILON))


def brier_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(y - p)² of the positive class; over several classes the sum of squares (Brier, 1950)."""
    checked = probabilities(p)
    if p.ndim == 1:
        return (codes(y, 2) - checked) ** 2
    truth = np.zeros_like(p)
    truth[np.arange(len(y)), codes(y, p.shape[1])] = 1.0
    return ((truth - checked) ** 2).sum(axis=1)


def average_precision_loss_at(y: np.ndarray, p: np.ndarray, k: int) -> np.ndarray:
    """1 - 1/r where the true class is the r-th of the k classes ranked highest, else 1; ties go to the lower code."""
    scores = p if p.ndim == 2 else np.column_stack([1.0 - p, p])
    true = codes(y, scores.shape[1])
    of_true = scores[np.arange(len(y)), true][:, None]
    earlier = np.arange(scores.shape[1])[None, :] < true[:, None]
    rank = 1 + (scores > of_true).sum(axis=1) + ((scores == of_true) & earlier).sum(axis=1)
    return 1.0 - np.where(rank <= k, 1.0 / rank, 0.0)


# Scores: y (n,), p (n,) or (n, K) -> float


def median_absolute_error(y: np.ndarray, p: np.ndarray) -> float:
    """The median of |y - p|."""
    return float(np.median(np.abs(y - p)))


def root_mean_squared_percentage_error(y: np.ndarray, p: np.ndarray) -> float:
    """The root of the mean of ((y - p) / y)²; rows whose target is 0 do not count, as in rossmann-store-sales."""
    counted = y != 0
    if not counted.any():
        raise MetricError("A percentage error needs targets other than zero, and every target is zero.")
    return float(np.sqrt(np.mean(((y[counted] - p[counted]) / y[counted]) ** 2)))


def weighted_absolute_percentage_error(y: np.ndarray, p: np.ndarray) -> float:
    """The sum of |y - p| over the sum of |y|, as a share."""
    whole = float(np.abs(y).sum())
    if whole == 0:
        raise MetricError("A percentage error needs targets other than zero, and every target is zero.")
    return float(np.abs(y - p).sum()) / whole


def max_error(y: np.ndarray, p: np.ndarray) -> float:
    """The largest |y - p|."""
    return float(np.abs(y - p).max())


def explained_variance(y: np.ndarray, p: np.ndarray) -> float:
    """1 less the variance of the errors as a share of that of the target: R² where the errors have mean 0."""
    if np.ptp(y) == 0:
        raise MetricError("The explained variance is not defined where every target has the same value.")
    return 1.0 - float(np.var(y - p) / np.var(y))


def r2(y: np.ndarray, p: np.ndarray) -> float:
    """The coefficient of determination R²: below 0 where predicting the mean would be better."""
    spread = float(((y - y.mean()) ** 2).sum())
    if spread == 0:
        raise MetricError("R² is not defined where every target has the same value.")
    return 1.0 - float(((y - p) ** 2).sum()) / spread


def r2_about_zero(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 less the sum of squared errors over the sum of squared targets, each weighted: R² of a target whose mean counts
    as zero (jane-street-real-time-market-data-forecasting)."""
    w = np.ones(len(y)) if weights is None else weights
    whole = float(w @ y**2)
    if whole == 0:
        raise MetricError("R² about zero is not defined where every target is zero.")
    return 1.0 - float(w @ (y - p) ** 2) / whole


def pearson(y: np.ndarray, p: np.ndarray) -> float:
    """Pearson's correlation; predictions that are all equal score 0."""
    if np.ptp(y) == 0:
        raise MetricError("A correlation is not defined where every target has the same value.")
    if np.ptp(p) == 0:
        return 0.0
    a, b = y - y.mean(), p - p.mean()
    return float(np.clip((a / np.linalg.norm(a)) @ (b / np.linalg.norm(b)), -1.0, 1.0))


def spearman(y: np.ndarray, p: np.ndarray) -> float:
    """Pearson's correlation of the ranks."""
    return pearson(ranks(y), ranks(p))


def kendall(y: np.ndarray, p: np.ndarray) -> float:
    """Kendall's tau-b, which counts ties (Kendall, 1945); predictions that are all equal score 0."""
    from scipy.stats import kendalltau

    if np.ptp(y) == 0:
        raise MetricError("A correlation is not defined where every target has the same value.")
    return 0.0 if np.ptp(p) == 0 else float(kendalltau(y, p).statistic)


def gini(y: np.ndarray, p: np.ndarray) -> float:
    """Normalised Gini, ties counted as the mean over their orders; 2 AUC - 1 for a binary target."""
    truth = ranks(y)
    spread = float((y - y.mean()) @ truth)
    if spread == 0:
        raise MetricError("The Gini coefficient is not defined where every target has the same value.")
    return float((y - y.mean()) @ ranks(p)) / spread


def auc(y: np.ndarray, p: np.ndarray) -> float:
    """Area under the ROC curve by the ranks of p (Mann and Whitney, 1947); with K columns the mean one-vs-rest area."""
    if p.ndim == 2:
        classes = codes(y, p.shape[1])
        if p.shape[1] == 2:
            return auc(y, p[:, 1])
        return float(np.mean([auc((classes == k).astype(float), p[:, k]) for k in range(p.shape[1])]))
    positive = codes(y, 2) == 1
    n_positive = int(positive.sum())
    n_negative = len(y) - n_positive
    if not n_positive or not n_negative:
        raise MetricError("The area under the ROC curve is not defined where a class never (or always) occurs.")
    above = float(ranks(p)[positive].sum()) - n_positive * (n_positive + 1) / 2
    return above / (n_positive * n_negative)


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    """The precision at each positive row, averaged over them, in the order of p."""
    from sklearn.metrics import average_precision_score

    if not (codes(y, 2) == 1).any():
        raise MetricError("Average precision is not defined where no row is positive.")
    return float(average_precision_score(y, p))


def balanced_log_loss(y: np.ndarray, p: np.ndarray) -> float:
    """Log loss in which every class that occurs has the same weight (icr-identify-age-related-conditions)."""
    _, which, counts = np.unique(y, return_inverse=True, return_counts=True)
    return float(np.bincount(which, log_loss(y, p)) @ (1.0 / counts) / len(counts))


def of_labels(y: np.ndarray, p: np.ndarray, *, score: ConfusionScore) -> float:
    """A score of labels by their confusion table."""
    return float(score(confusion(y, p)))


def of_two_labels(y: np.ndarray, p: np.ndarray, *, score: ConfusionScore) -> float:
    """A score of two classes' labels by their confusion table; MetricError where there is a third."""
    for values, what in ((y, "target"), (p, "prediction")):
        if values.size and codes(values).max() > 1:
            raise MetricError(f"The F score of two classes met a {what} of a third: use macro_f1 or micro_f1.")
    return of_labels(y, p, score=score)


# Helpers


def codes(values: np.ndarray, n_classes: int | None = None) -> np.ndarray:
    """Class codes as integers; MetricError where they are none, or not below `n_classes`."""
    whole = values.astype(np.int64)
    if (whole != values).any() or (whole.size and whole.min() < 0):
        wrong = values[(whole != values) | (whole < 0)][0]
        raise MetricError(f"This metric compares classes, and {wrong:g} is no class code (0, 1, 2…): decide first.")
    if n_classes is not None and whole.size and whole.max() >= n_classes:
        raise MetricError(f"A target is of class {whole.max()}, but only {n_classes} classes are predicted.")
    return whole


def probabilities(p: np.ndarray) -> np.ndarray:
    """Probabilities, rows of (n, K) scaled to sum to one; MetricError outside [0, 1] or for a row of zeros."""
    if p.size and (p.min() < -1e-9 or p.max() > 1 + 1e-9):
        raise MetricError(f"A probability lies outside 0 to 1 ({p.min():g} to {p.max():g}): clip the predictions.")
    if p.ndim == 1:
        return p
    total = p.sum(axis=1, keepdims=True)
    if (total <= 0).any():
        raise MetricError("The probabilities of a row are all zero: give each row at least one likely class.")
    return p / total


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties sharing their mean rank: (n,)."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[which]


def confusion(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Counts (K, K), true class by row, predicted class by column; K is at least 2 and above the largest code."""
    true, predicted = codes(y), codes(p)
    k = max(int(max(true.max(), predicted.max())) + 1, 2)
    if k > 5000:
        raise MetricError(f"This metric compares classes, and met class code {k - 1}: too many classes.")
    return confusion_tables(true, predicted, k)
