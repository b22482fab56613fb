"""Models of the target on text: linear and naive Bayes predictions from a sparse feature, out-of-fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.target import Target, out_of_fold
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np
from medalist.pipelines.features.operators.text import sparse_argument

if TYPE_CHECKING:
    from scipy import sparse

DESCENT_STEPS = 200_000  # steps of stochastic gradient descent, within 5 to 20 passes over the rows
SMOOTHING = 0.5  # count that naive Bayes adds to each term of either class


def target_linear(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Prediction of the target by a linear model on a sparse feature, nested: (n, T), or (n, classes) shares.

    Ridge regression on values (and on the 0 and 1 of two classes), logistic regressions by stochastic descent on three
    classes or more. A training row is predicted by a fit on the other inner folds.
    """
    matrix = sparse_argument(frame, feature.args[0], feature)

    def fit_predict(rows: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
        fit = _classes if target.classes > 2 else _values
        return fit(matrix[rows], values, matrix[queries], target.seed)

    return out_of_fold(frame.n, target, fit_predict)


def _values(inputs: sparse.csr_matrix, values: np.ndarray, queries: sparse.csr_matrix, seed: int) -> np.ndarray:
    from sklearn.linear_model import Ridge

    # centred here: with a fitted intercept the solver needs many more iterations
    centre = values.mean(axis=0)
    model = Ridge(alpha=1.0, fit_intercept=False, solver="sparse_cg", tol=1e-3, max_iter=100, random_state=seed)
    return model.fit(inputs, values - centre).predict(queries).reshape(queries.shape[0], -1) + centre


def _classes(inputs: sparse.csr_matrix, values: np.ndarray, queries: sparse.csr_matrix, seed: int) -> np.ndarray:
    from sklearn.linear_model import SGDClassifier

    labels = values.argmax(axis=1)
    present = np.unique(labels)
    out = np.zeros((queries.shape[0], values.shape[1]))
    if len(present) == 1:
        out[:, present] = 1.0
        return out
    passes = int(np.clip(DESCENT_STEPS // len(labels), 5, 20))
    model = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=passes, tol=None, average=True, random_state=seed)
    out[:, present] = model.fit(inputs, labels).predict_proba(queries)
    return out


def presence(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """(m, terms) float32: a copy with 1 for each term that a row has, else 0."""
    ones = matrix.astype(np.float32, copy=True)
    ones.eliminate_zeros()
    ones.data[:] = 1.0
    return ones


def log_count_ratios(ones: sparse.csr_matrix, indicators: np.ndarray, smoothing: float = 1.0) -> np.ndarray:
    """(terms, K) log-count ratios: how much likelier a term is where an indicator is 1 than where it is 0.

    ones: (m, terms) of 0 and 1. indicators: (m, K) of 0 and 1. smoothing: count that is added to each term of either
    class.
    """
    sums = np.asarray(ones.T @ indicators.astype(np.float32)).astype(np.float64)
    inside = sums + smoothing
    outside = np.asarray(ones.sum(axis=0), dtype=np.float64).reshape(-1, 1) - sums + smoothing
    return np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0))


def target_bayes(frame: Frame, feature: Feature, target: Target) -> np.ndarray:
    """Log-odds of the target by naive Bayes on the terms that a row has, nested: (n, T), or (n, classes).

    For values it is the log-odds of being above the mean. The prior log-odds are not included.
    """
    argument = feature.args[0]
    matrix = frame.cached(("presence", argument), lambda: presence(sparse_argument(frame, argument, feature)))

    def fit_predict(rows: np.ndarray, values: np.ndarray, queries: np.ndarray) -> np.ndarray:
        above = (values > values.mean(axis=0)).astype(np.float32)
        return np.asarray(matrix[queries] @ log_count_ratios(matrix[rows], above, SMOOTHING))

    return out_of_fold(frame.n, target, fit_predict)


OPERATORS = {
    "target_linear": Operator(
        "supervised",
        ("sparse",),
        "numbers",
        target_linear,
        "linear prediction of the target from the {0}",
        "target_linear(tfidf(note))",
    ),
    "target_bayes": Operator(
        "supervised",
        ("sparse",),
        "numbers",
        target_bayes,
        "naive Bayes log-odds of the target from the {0}",
        "target_bayes(tfidf(note))",
    ),
}
