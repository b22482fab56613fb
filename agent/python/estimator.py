"""What the scikit-learn estimators share: a run of a budget as `fit`, the models of its submission as `predict`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from medalist.agent.python.displays import Shown
from medalist.agent.python.options import Names, PathLike
from medalist.agent.python.results import Run
from medalist.agent.python.running import run
from medalist.competitions.errors import MedalistError

TARGET, GROUPS, ROW = "target of fit", "groups of fit", "row of fit"  # names of columns that no table is likely to have


class Estimator(BaseEstimator):
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
            array = check_array(X, dtype=None if has_text(array) else "numeric", ensure_all_finite="allow-nan")
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


def has_text(array: np.ndarray) -> bool:
    """Whether an array of objects holds text."""
    return any(isinstance(value, str) for value in array.ravel())
