"""A regressor of scikit-learn that is a run."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, column_or_1d

from medalist.agent.python.estimator import TARGET, Estimator
from medalist.agent.python.results import Run


class MedalistRegressor(RegressorMixin, Estimator):
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


def _numbers(y: Any) -> np.ndarray:
    """(n,) finite numbers; ValueError for others."""
    column = column_or_1d(y, warn=True)
    return check_array(column, dtype=float, ensure_2d=False, input_name="y")
