"""One file adds a family: a copy of the package with one more module proposes, fits, tunes and stacks it in a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import call, demo, finished, ledger_of

import medalist
from medalist.pipelines.estimators.registry import FAMILIES

NEW_FAMILY = '''
"""Least squares on numbers: the least that a family can be."""

import numpy as np

from medalist.pipelines.estimators.base import Family, Fitted, Priors


def fit_predict(request):
    train, valid, test = (
        np.column_stack([np.ones(len(m)), np.nan_to_num(m.dense)]) for m in (request.train, request.valid, request.test)
    )
    penalty = request.params["penalty"] * np.eye(train.shape[1])
    weights = np.linalg.solve(train.T @ train + penalty, train.T @ request.y)
    return Fitted(*(np.clip(rows @ weights, 0.01, 0.99) for rows in (valid, test)))


FAMILY = Family(
    name="least_squares",
    title="Least squares",
    feature_set="trees",
    portfolio=({"penalty": 1.0}, {"penalty": 100.0}),
    space=lambda trial: {"penalty": trial.suggest_float("penalty", 0.1, 1000.0, log=True)},
    fit_predict=fit_predict,
    cost=lambda rows, columns, outputs, params: 1e-8 * rows * columns,
    priors=Priors(portfolio=9.0, tuning=5.0, stacking=9.0),
    stacker={"penalty": 10.0},
)
'''


@pytest.fixture
def package(tmp_path: Path) -> dict[str, str]:
    """The environment in which `medalist` is a copy whose estimators have one more module."""
    copy, installed = tmp_path / "package" / "medalist", Path(medalist.__file__).parent
    for name in ("agent", "competitions", "leaderboard"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).symlink_to((installed / name).resolve())
    shutil.copy(installed / "__init__.py", copy)
    shutil.copytree(installed / "pipelines", copy / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "pipelines" / "estimators" / "least_squares.py").write_text(NEW_FAMILY, encoding="utf-8")
    return {"PYTHONPATH": str(copy.parent), "PYTHONSAFEPATH": "1"}


def test_a_family_from_one_file_is_proposed_fitted_tuned_and_stacked_upon(
    package: dict[str, str], tmp_path: Path
) -> None:
    public = demo(tmp_path / "competition")
    options = ("--max-experiments", "8", "--no-feature-search", "--runs-dir", tmp_path / "runs")
    summary = finished("run", public, *options, "--families", "lightgbm,least_squares", env=package)
    with ledger_of(tmp_path / "runs") as ledger:
        rows = ledger.experiments(summary["run"])
    assert rows[0].family == "lightgbm"
    theirs = [row for row in rows if row.family == "least_squares"]
    reasons = " | ".join(row.reason for row in theirs)
    for reason in ("with proven parameters 1", "from the sampler", "Least squares on the predictions of"):
        assert reason in reasons
    assert all(row.score is not None or row.verdict == "pruned" for row in theirs)


@pytest.mark.slow
def test_an_unknown_family_is_answered_with_all_that_there_are(package: dict[str, str], tmp_path: Path) -> None:
    public = demo(tmp_path / "competition")
    done = call("run", public, "--max-experiments", "1", "--families", "forest", env=package, cwd=tmp_path)
    assert done.returncode == 2
    assert f"use {', '.join([*FAMILIES, 'least_squares'])}." in done.stderr
