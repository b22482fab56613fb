"""To add a metric is to write it in one file: it is then read, used, decided, ensembled and graded by what it is."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from medalist.agent.grading import grade
from medalist.competitions.competition import Competition
from medalist.competitions.errors import TaskError
from medalist.competitions.metrics.reading.text import read_metric
from medalist.competitions.metrics.registry import METRICS, PARAMETRISED, get_metric, metric_names
from medalist.competitions.task.infer import infer_task
from medalist.pipelines.decisions.cross_fitting import decide
from medalist.pipelines.ensembling.selection import select
from medalist.pipelines.problem import problem_of

MODULE = """
from dataclasses import replace
from functools import partial

import numpy as np

from medalist.competitions.metrics import best_constants as best
from medalist.competitions.metrics.functions import of_two_labels
from medalist.competitions.metrics.metric import Metric, Wording
from medalist.competitions.metrics.parametrised import Parametrised


def hundredfold(y, p):
    return 100 * (y - p) ** 2


def youden(tables):
    occurs = np.maximum(tables.sum(axis=-1), 1)
    return tables[..., 1, 1] / occurs[..., 1] + tables[..., 0, 0] / occurs[..., 0] - 1


SQUARED = Metric(
    name="centi_mse",
    title="Hundred times the mean squared error",
    greater_is_better=False,
    needs="value",
    objective="l2",
    problem_types=("regression",),
    bounds=(0.0, float("inf")),
    function=hundredfold,
    constant=best.mean,
    shape="squared",
    mean="plain",
    wording=Wording(aliases=("hundredfold_mse",), phrases=(r"hundred times the mean squared error",)),
)
LABELS = Metric(
    name="youden",
    title="Youden's J",
    greater_is_better=True,
    needs="label",
    objective="logloss",
    problem_types=("binary",),
    bounds=(-1.0, 1.0),
    function=partial(of_two_labels, score=youden),
    constant=best.majority,
    shape="classes",
    confusion=youden,
    positive_class=True,
    wording=Wording(aliases=("informedness",), phrases=(r"youden'?s? (?:j|index)",)),
)


def lp_loss(y, p, power):
    return np.abs(y - p) ** power


def lp(name, power):
    function = partial(lp_loss, power=power)
    return replace(SQUARED, name=name, title=f"L{power:g} loss", function=function, shape="absolute", wording=Wording())


FAMILY = Parametrised(
    "lp", "p", "lp@1.5", "a number from 1, as in lp@1.5", lambda p: p >= 1, lp, r"minkowski_(?P<n>\\\\d+)", ("lp",),
    (r"minkowski loss(?: of order (?P<n>\\\\d+))?",), lambda near, wide: None,
)
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with metrics of three kinds, which are in the registry while the test runs."""
    path = tmp_path / "added_metrics.py"
    path.write_text(MODULE.replace("\\\\", "\\"))
    spec = importlib.util.spec_from_file_location("added_metrics", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "added_metrics", module)
    spec.loader.exec_module(module)
    for metric in (module.SQUARED, module.LABELS):
        monkeypatch.setitem(METRICS, metric.name, metric)
    monkeypatch.setitem(PARAMETRISED, "lp", module.FAMILY)
    return module


def competition(target: np.ndarray, sample: object, description: str) -> Competition:
    n = len(target)
    x = np.random.default_rng(0).random(n).round(3)
    train = pd.DataFrame({"id": np.arange(n), "x": x, "y": target})
    test = pd.DataFrame({"id": np.arange(n, n + 50), "x": x[:50]})
    form = pd.DataFrame({"id": test["id"], "y": sample})
    return Competition("added", Path("added"), train, test, form, description, (), "0" * 16, ())


def test_it_has_its_names_and_travels_between_processes(added: ModuleType) -> None:
    assert get_metric("hundredfold MSE").name == get_metric("neg_centi_mse").name == "centi_mse"
    assert get_metric("informedness", n_targets=2).name == "mean_youden"
    assert get_metric("minkowski 3").name == "lp@3"
    assert {"centi_mse", "youden", "lp@p"} <= set(metric_names())
    y, p = np.array([1.0, 4.0]), np.array([1.0, 2.0])
    for name, score in (("centi_mse", 200.0), ("lp@3", 4.0)):
        assert pickle.loads(pickle.dumps(get_metric(name))).score(y, p) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Submissions are evaluated by one hundred times the mean squared error.", "centi_mse"),
        ("Submissions are scored by Youden's J. Unlike accuracy, it is not moved by rare classes.", "youden"),
        ("The metric is the Minkowski loss of order 4.", "lp@4"),
        ("The score is Youden's index, averaged over all targets.", "mean_youden"),
    ],
)
def test_it_is_read_from_a_description(added: ModuleType, text: str, name: str) -> None:
    assert (read_metric(text) or ("",))[0] == name


def test_values_are_corrected_and_ensembled_as_its_shape_asks(added: ModuleType) -> None:
    rng = np.random.default_rng(1)
    y = np.exp(rng.normal(3, 0.5, 600))
    task = infer_task(competition(y, 0.5, "Submissions are evaluated by hundred times the mean squared error."))
    assert (task.metric, task.metric_source, task.problem_type) == ("centi_mse", "description", "regression")
    metric, problem = task.scorer(), problem_of(task, y[:, None])
    p, folds = 0.8 * y[:, None] + rng.normal(0, 0.5, (600, 1)), np.arange(600) % 5
    decided, decision = decide(metric, problem, y[:, None], p, folds)
    assert decision.kind == "line"
    assert metric.score(y, decided) < 0.3 * metric.score(y, p)
    members = {k: y[:, None] + rng.normal(0, 1 + k, (600, 1)) for k in range(4)}
    assert select(metric, problem, y[:, None], members) == select(get_metric("mse"), problem, y[:, None], members)


def test_labels_are_decided_by_its_confusion_tables(added: ModuleType) -> None:
    rng = np.random.default_rng(2)
    p = rng.beta(1, 9, (3000, 1))
    y = (rng.random(p.shape) < p).astype(float)
    answers = np.where(y[:, 0] > 0, "yes", "no")
    task = infer_task(competition(answers, np.resize(["no", "yes"], 50), "Submissions are scored by Youden's J."))
    assert (task.metric, task.classes) == ("youden", ("no", "yes"))
    metric, problem = task.scorer(), problem_of(task, y)
    decided, decision = decide(metric, problem, y, p, np.arange(3000) % 5)
    assert decision.kind == "threshold"
    assert 0.03 < decision.numbers[0] < 0.25
    assert metric.score(y, decided) > metric.score(y, (p >= 0.5).astype(float)) + 0.2


def test_submissions_are_graded_by_it(added: ModuleType, tmp_path: Path) -> None:
    contest = competition(np.resize(["no", "yes", "no"], 90), np.resize(["no", "yes"], 50), "Scored by Youden's J.")
    task = infer_task(contest, metric="informedness")
    truth = contest.test[["id"]].assign(y=np.resize(["yes", "no"], 50))
    submission = contest.test[["id"]].assign(y=np.where(np.arange(50) < 10, truth["y"], "no"))
    graded = grade(task, submission, truth)
    assert graded.score == pytest.approx(5 / 25)


def test_one_that_is_of_the_positive_class_asks_which_it_is(added: ModuleType) -> None:
    contest = competition(np.resize(["left", "right"], 90), np.resize(["left", "right"], 50), "Left or right?")
    for name in ("youden", "fbeta@2", "f1"):
        with pytest.raises(TaskError, match="--positive"):
            infer_task(contest, metric=name)
        assert infer_task(contest, metric=name, positive="left").classes == ("right", "left")
    assert infer_task(contest, metric="mcc").classes == ("left", "right")
