"""A classifier of scikit-learn that is a run."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from medalist.agent.python.estimator import TARGET, Estimator
from medalist.agent.python.results import Run
from medalist.competitions.errors import MedalistError
from medalist.competitions.metrics.registry import get_metric


class MedalistClassifier(ClassifierMixin, Estimator):
    """A classifier that is a run of medalist.

    Parameters
    ----------
    budget : str, float or timedelta, default "5m"
        How long `fit` works: "10m", or seconds; not used where `max_experiments` is given.
    max_experiments : int, optional
        End after so many experiments: equal calls then give equal models.
    metric : str, optional
        What is optimised and reported, one of probabilities: "logloss" by default, of more than two classes "mlogloss".
    families : str or list of str, optional
        Families of models to use; all unless said.
    threads : int, optional
        Cores to use; all unless said.
    random_state : int, default 0
        The seed of everything that is drawn.
    runs_dir : path, optional
        Where the run is kept, which `predict` needs; else what MEDALIST_RUNS names, else "runs".
    progress : "lines", "bar", function, bar of tqdm, or None, default None
        As of `medalist.run`.

    Attributes
    ----------
    run_ : Run
        The run, with its score, experiments and features.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where X had names.

    Examples
    --------
    >>> from medalist import MedalistClassifier
    >>> model = MedalistClassifier(budget="2m").fit(X, y)  # doctest: +SKIP
    >>> model.predict_proba(X_new)  # doctest: +SKIP
    """

    run_: Run
    classes_: np.ndarray

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit by a run.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Numbers, text, dates, booleans and categories; values may be missing.
        y : array of shape (n_samples,)
            Labels of two classes or more.
        groups : array of shape (n_samples,), optional
            Rows of one group are never on both sides of a fold.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Where the data or the parameters do not allow a run.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        frame = self._frame(X, reset=True)
        labels = _labels(y)
        check_classification_targets(labels)
        check_consistent_length(frame, labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        count = len(self.classes_)
        if count < 2:
            raise ValueError(f"y has one class only, {self.classes_[0]!r}: a classifier needs at least two.")
        metric = self._metric(count)
        names = self._names()
        sample = pd.DataFrame({TARGET: [0.5]} if count == 2 else {name: [1 / count] for name in names})
        task: dict[str, Any] = {"metric": metric, "folds": "stratified"}
        task |= {"problem_type": "binary", "positive": names[1]} if count == 2 else {"problem_type": "multiclass"}
        self.run_ = self._run(frame, np.asarray(names, dtype=object)[codes], groups, sample, **task)
        return self

    def _metric(self, count: int) -> str:
        """The metric; ValueError where it is not one of probabilities."""
        metric = self.metric or ("logloss" if count == 2 else "mlogloss")
        try:
            needs = get_metric(metric).needs
        except MedalistError as error:
            raise ValueError(str(error)) from error
        if needs != "probability":
            raise ValueError(f"metric is {metric!r}, which takes no probabilities: give logloss, auc or another one.")
        return metric

    def _names(self) -> list[str]:
        """What the run calls each class: a text that is read as no number, of equal length for all so that their order
        is that of `classes_`."""
        width = len(str(len(self.classes_) - 1))
        return [f"class {code:0{width}d}" for code in range(len(self.classes_))]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; each row sums to 1.

        Raises
        ------
        MedalistError
            Where the run's folder is gone or has kept no models.
        """
        predicted = self._predicted(X)
        if len(self.classes_) == 2:
            positive = predicted[TARGET].to_numpy(float)
            return np.column_stack([1 - positive, positive])
        shares = predicted[self._names()].to_numpy(float)
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most probable class.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)

        Raises
        ------
        MedalistError
            Where the run's folder is gone or has kept no models.
        """
        shares = self.predict_proba(X)
        return self.classes_[shares.argmax(axis=1)]


def _labels(y: Any) -> np.ndarray:
    """(n,) labels; ValueError where one is missing."""
    column = column_or_1d(y, warn=True)
    numeric = column.dtype.kind in "fc"
    checked = check_array(column, dtype=None, ensure_2d=False, ensure_all_finite=numeric, input_name="y")
    if pd.isna(checked).any():
        raise ValueError("Input y contains NaN: every row needs a label.")
    return checked
