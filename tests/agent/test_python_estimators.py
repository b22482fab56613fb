"""The scikit-learn estimators: what they refuse, and scikit-learn's own checks of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

import medalist

SMALL: dict[str, Any] = {"families": "linear", "threads": 1, "max_experiments": 1}
EXPECTED: dict[str, str] = {}  # check → why it fails: none does
KEEPS_MODELS = importlib.util.find_spec("medalist.agent.using") is not None
BOTH = [medalist.MedalistClassifier, medalist.MedalistRegressor]


@pytest.mark.parametrize("kind", BOTH)
def test_parameters_are_those_of_scikit_learn(kind: Any) -> None:
    model = kind(budget="2m", metric="mae", random_state=3)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        model.predict([[1.0]])


def test_what_cannot_be_fitted_is_refused_before_a_run(tmp_path: Path) -> None:
    X, y = pd.DataFrame({"a": range(6)}), list("ababab")
    with pytest.raises(ValueError, match="takes no probabilities"):
        medalist.MedalistClassifier(metric="accuracy", runs_dir=tmp_path).fit(X, y)
    with pytest.raises(ValueError, match="one class only"):
        medalist.MedalistClassifier(runs_dir=tmp_path).fit(X, ["a"] * 6)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        medalist.MedalistRegressor(runs_dir=tmp_path).fit(X, range(6), groups=[1, 2])
    with pytest.raises(ValueError, match="Cannot read the budget"):
        medalist.MedalistRegressor(budget="soon", runs_dir=tmp_path).fit(X, range(6))
    assert not list(tmp_path.rglob("submission.csv"))


@pytest.mark.slow
@pytest.mark.skipif(not KEEPS_MODELS, reason="predictions of new rows are made by medalist.agent.using")
def test_new_rows_with_text_and_missing_values_are_predicted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=150), "c": rng.choice(list("xyz"), 150)})
    X.loc[::10, "a"] = np.nan
    y = np.where(X["a"].fillna(0) + 2 * (X["c"] == "x") + rng.normal(0, 0.3, 150) > 0.7, "yes", "no")
    model = medalist.MedalistClassifier(runs_dir=tmp_path, **SMALL).fit(X[:100], y[:100], groups=np.arange(100) // 4)
    shares = model.predict_proba(X[100:])
    assert shares.shape == (50, 2)
    assert np.allclose(shares.sum(axis=1), 1)
    most = max(np.mean(y[100:] == label) for label in model.classes_)
    assert model.score(X[100:], y[100:]) > most + 0.1
    assert "group" in medalist.open(model.run_.folder).folder.joinpath("task.yaml").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not KEEPS_MODELS, reason="predictions of new rows are made by medalist.agent.using")
@pytest.mark.parametrize("kind", BOTH)
def test_they_pass_the_checks_of_scikit_learn(kind: Any, tmp_path: Path) -> None:
    check_estimator(kind(runs_dir=tmp_path, **SMALL), expected_failed_checks=EXPECTED, on_skip=None)
