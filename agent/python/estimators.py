"""scikit-learn estimators: a run of a budget as `fit`, the models of its submission as `predict`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from medalist.agent.python.displays import Shown
from medalist.agent.python.options import Names, PathLike
from medalist.agent.python.results import Run
from medalist.agent.python.running import run
from medalist.competitions.errors import MedalistError
from medalist.competitions.metrics.registry import get_metric

TARGET, GROUPS, ROW = "target of fit", "groups of fit", "row of fit"  # names of columns that no table is likely to have


class _Estimator(BaseEstimator):
    """What both estimators share."""

    def __init__(
        self,
        budget: str | float | timedelta | None = "5m",
        *,
        max_experiments: int | None = None,
        metric: str | None = None,
        families: Names | None = None,
        threads: int | None = None,
        random_state: int = 0,
        runs_dir: PathLike | None = None,
        progress: Shown = None,
    ):
        self.budget = budget
        self.max_experiments = max_experiments
        self.metric = metric
        self.families = families
        self.threads = threads
        self.random_state = random_state
        self.runs_dir = runs_dir
        self.progress = progress

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.non_deterministic = self.max_experiments is None
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """The inputs as a table: a DataFrame's own columns, or x0, x1, … of an array."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and (len(X) < 2 or not X.shape[1]):
                raise ValueError(f"Found array with {len(X)} sample(s) and {X.shape[1]} feature(s): at least 2 and 1.")
            return X.set_axis([f"x{i}" if not isinstance(c, str) else c for i, c in enumerate(X.columns)], axis=1)
        if sparse.issparse(X):
            raise TypeError("Sparse data was passed, but dense data is required: use X.toarray().")
        array = check_array(X, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1)
        if array.dtype.kind == "O":  # numbers among objects, which are refused where they are neither
            array = check_array(X, dtype=None if _has_text(array) else "numeric", ensure_all_finite="allow-nan")
        validate_data(self, array, reset=reset, skip_check_array=True)
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])]).infer_objects()

    def _run(self, X: pd.DataFrame, y: np.ndarray, groups: Any, sample: pd.DataFrame, **task: Any) -> Run:
        """The run on the rows, with one of them in place of a test table: nothing is learned of rows to come."""
        train = X.reset_index(drop=True)
        train[ROW], train[TARGET] = np.arange(len(X)), y
        test = train.iloc[:1].drop(columns=TARGET)
        test[ROW] = len(X)
        sample.insert(0, ROW, len(X))
        if groups is not None:
            check_consistent_length(X, groups)
            train[GROUPS] = np.asarray(groups)
            task["folds"] = f"group:{GROUPS}"
        if self.families is not None:
            task["families"] = self.families
        try:
            return run(
                train=train,
                test=test,
                sample=sample,
                target=TARGET,
                id=ROW,
                name=type(self).__name__,
                budget=self.budget if self.max_experiments is None else None,
                max_experiments=self.max_experiments,
                threads=self.threads,
                seed=self.random_state,
                runs_dir=self.runs_dir,
                progress=self.progress,
                report=False,
                **task,
            )
        except MedalistError as error:
            raise ValueError(str(error)) from error

    def _predicted(self, X: Any) -> pd.DataFrame:
        check_is_fitted(self, "run_")
        frame = self._frame(X, reset=False)
        return self.run_.predict(frame)


class MedalistRegressor(RegressorMixin, _Estimator):
    """A regressor that is a run of medalist.

    Parameters
    ----------
    budget : str, float or timedelta, default "5m"
        How long `fit` works: "10m", or seconds; not used where `max_experiments` is given.
    max_experiments : int, optional
        End after so many experiments: equal calls then give equal models.
    metric : str, optional
        What is optimised and reported: "rmse" by default; also "mae", "rmsle" and the others of regression.
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
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only where X had names.

    Examples
    --------
    >>> from medalist import MedalistRegressor
    >>> model = MedalistRegressor(budget="2m").fit(X, y)  # doctest: +SKIP
    >>> model.predict(X_new), model.run_.score  # doctest: +SKIP
    """

    run_: Run

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit by a run.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            Numbers, text, dates, booleans and categories; values may be missing.
        y : array of shape (n_samples,)
            Numbers.
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
        values = _numbers(y)
        check_consistent_length(frame, values)
        sample = pd.DataFrame({TARGET: [float(np.mean(values))]})
        task = {"metric": self.metric or "rmse", "problem_type": "regression", "folds": "random"}
        self.run_ = self._run(frame, values, groups, sample, **task)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict.

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
        return self._predicted(X)[TARGET].to_numpy(float)


class MedalistClassifier(ClassifierMixin, _Estimator):
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


def _has_text(array: np.ndarray) -> bool:
    return any(isinstance(value, str) for value in array.ravel())


def _numbers(y: Any) -> np.ndarray:
    """(n,) finite numbers; ValueError for others."""
    column = column_or_1d(y, warn=True)
    return check_array(column, dtype=float, ensure_2d=False, input_name="y")


def _labels(y: Any) -> np.ndarray:
    """(n,) labels; ValueError where one is missing."""
    column = column_or_1d(y, warn=True)
    numeric = column.dtype.kind in "fc"
    checked = check_array(column, dtype=None, ensure_2d=False, ensure_all_finite=numeric, input_name="y")
    if pd.isna(checked).any():
        raise ValueError("Input y contains NaN: every row needs a label.")
    return checked
