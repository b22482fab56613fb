"""A competition without a description: what is known for its name, where target and sample have that form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalist.competitions.known.competitions import find_known
from medalist.competitions.task.file import read_task, task_text
from medalist.competitions.task.infer import infer_task
from medalist.competitions.task.task import Task
from tests.competitions.little import little_competition

N = 60


def inferred(name: str, y: dict[str, list], sample: dict[str, object], description: str = "", **options) -> Task:
    """The task of a made-up competition of that name: columns `y` of train, and cells of the sample."""
    rng = np.random.default_rng(1)
    train = pd.DataFrame({"id": range(N), "x": rng.normal(size=N), **{k: (v * N)[:N] for k, v in y.items()}})
    test = pd.DataFrame({"id": range(900, 905), "x": rng.normal(size=5)})
    competition = little_competition(train, test, test[["id"]].assign(**sample), description)
    return infer_task(replace(competition, name=name), **options)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("titanic", "titanic"),
        ("Titanic (1)", "titanic"),
        ("titanic.zip", "titanic"),
        ("titanic - Copy (2)", "titanic"),
        ("titanic_copy", "titanic"),
        ("titanic 2", "titanic"),
        ("kaggle-titanic-data", "titanic"),
        ("titanic-main", "titanic"),
        ("Titanic - Machine Learning from Disaster", "titanic"),
        ("titanic-machine-learning-from-disaster", "titanic"),
        ("playground-series-s4e2", "playground-series-s4e2"),
        ("playground_series_s4e2 (3)", "playground-series-s4e2"),
        ("s4e2", "playground-series-s4e2"),
        ("S04E02", "playground-series-s4e2"),
        ("ps-s3e11", "playground-series-s3e11"),
        ("Playground Series - Season 4, Episode 2", "playground-series-s4e2"),
        ("Multi-Class Prediction of Obesity Risk", "playground-series-s4e2"),
        ("tps-aug-2021", "tabular-playground-series-aug-2021"),
        ("Tabular Playground Series - Aug 2021", "tabular-playground-series-aug-2021"),
        ("forest-cover-type", "forest-cover-type-kernels-only"),
        ("Give Me Some Credit", "GiveMeSomeCredit"),
        ("Porto Seguro’s Safe Driver Prediction", "porto-seguro-safe-driver-prediction"),
        *((name, None) for name in ("", "data", "copy", "train (1)", "my-titanic-notes", "titanics", "s4e99", "(1)")),
        ("playground-series-s3e1 1", "playground-series-s3e1"),  # and not s3e11
        ("playground-series-s3e1_1", None),
    ],
)
def test_names_as_people_have_them(name: str, slug: str | None) -> None:
    found = find_known(name)
    assert (found.slug if found else None) == slug


@given(st.text(max_size=40))
def test_any_name_can_be_looked_up(name: str) -> None:
    assert find_known(name) is None or find_known(name).slug


LABELS = {"y": [0, 1, 1]}
FITTING = {
    "labels": ("titanic", LABELS, {"y": 0}, "accuracy"),
    "words": ("spaceship-titanic", {"y": [True, False]}, {"y": False}, "accuracy"),
    "chances as noughts": ("playground-series-s3e7", LABELS, {"y": 0}, "auc"),
    "chances": ("s3e7", LABELS, {"y": 0.5}, "auc"),
    "chances and gini": ("porto-seguro-safe-driver-prediction", LABELS, {"y": 0.03}, "gini"),
    "classes": ("otto", {"y": ["a", "b", "c"]}, {"a": 0.2, "b": 0.3, "c": 0.5}, "mlogloss"),
    "values": ("playground-series-s3e14", {"y": [i + 0.5 for i in range(N)]}, {"y": 0.0}, "mae"),
    "few whole values": ("s3e16", {"y": [1, 2, 3, 4, 5]}, {"y": 3}, "mae"),
    "levels": ("playground-series-s3e5", {"y": [3, 4, 5, 6]}, {"y": 5}, "qwk"),
    "several": ("playground-series-s4e3", {"a": [0, 1], "b": [1, 0, 0]}, {"a": 0.5, "b": 0.5}, "mean_auc"),
    "the organiser's": ("nlp-getting-started", LABELS, {"y": 0}, "f1"),  # though its leaderboard counts another
    "by title": ("Multi-Class Prediction of Obesity Risk", {"y": ["a", "b", "c"]}, {"y": "a"}, "accuracy"),
}


@pytest.mark.parametrize("case", FITTING.values(), ids=FITTING)
def test_the_metric_is_that_of_the_known_competition(case) -> None:
    name, y, sample, metric = case
    task = inferred(name, y, sample)
    assert (task.metric, task.metric_source) == (metric, "known competition")
    [note] = [n for n in task.notes if "known competition" in n]
    assert "--metric" in note
    assert name in note
    assert inferred(name, y, sample, metric=metric).metric_source == "given"


OTHER = {
    "values where labels are counted": ("titanic", {"y": [i + 0.5 for i in range(N)]}, {"y": 0.0}, "another kind"),
    "whole values": ("titanic", {"y": list(range(100, 100 + N))}, {"y": 0}, "another kind"),
    "chances": ("titanic", LABELS, {"y": 0.5}, "numbers that are no labels"),
    "labels where chances are counted": ("s3e7", LABELS, {"y": [0, 1, 1, 0, 1]}, "holds labels"),
    "words": ("s3e7", {"y": ["yes", "no"]}, {"y": "no"}, "holds words"),
    "several": ("s3e14", {"a": [i + 0.5 for i in range(N)], "b": [i / 7 for i in range(N)]}, {"a": 0.0, "b": 0.0},
                "several targets"),
    "a single one": ("playground-series-s4e3", LABELS, {"y": 0.5}, "a single target"),
    "one column": ("otto", {"y": ["a", "b", "c"]}, {"y": "a"}, "no column for each class"),
    "text": ("s3e14", {"y": ["a", "b", "c"]}, {"y": "a"}, "another kind"),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER.values(), ids=OTHER)
def test_a_name_alone_decides_nothing(case) -> None:
    name, y, sample, reason = case
    task = inferred(name, y, sample)
    assert task.metric_source == "assumed"
    [note] = [n for n in task.notes if "known competition" in n]
    assert reason in note
    assert task.metric == inferred("unheard-of", y, sample).metric


def test_what_a_person_gives_comes_first() -> None:
    y = {"y": [1, 2, 3, 4]}
    assert inferred("s3e5", y, {"y": 3}).metric == "qwk"
    task = inferred("s3e5", y, {"y": 3}, problem_type="regression")
    assert (task.problem_type, task.metric, task.metric_source) == ("regression", "rmse", "assumed")
    assert any("another kind" in note for note in task.notes)
    task = inferred("h-and-m-personalized-fashion-recommendations", {"a": [1, 2, 3], "b": [3, 2, 1]}, {"a": 1, "b": 2})
    assert any("map@12, but there are several targets" in note for note in task.notes)


def test_a_general_name_needs_the_columns_too() -> None:
    values = {"SalePrice": [i + 0.5 for i in range(N)]}
    assert inferred("house-prices", values, {"SalePrice": 0.0}).metric == "rmse"  # its id is called "id"
    rng = np.random.default_rng(1)
    train = pd.DataFrame({"Id": range(N), "x": rng.normal(size=N), **values})
    test = pd.DataFrame({"Id": range(900, 905), "x": rng.normal(size=5)})
    competition = little_competition(train, test, test[["Id"]].assign(SalePrice=0.0))
    assert infer_task(replace(competition, name="house-prices")).metric == "rmsle"


def test_what_a_text_says_comes_first() -> None:
    task = inferred("titanic", LABELS, {"y": 0}, "# Evaluation\n\nSubmissions are scored by the F1 score.")
    assert (task.metric, task.metric_source) == ("f1", "description")
    task = inferred("titanic", LABELS, {"y": 0}, "# Evaluation\n\nSubmissions are scored by the Sharpe ratio.")
    assert task.metric_source == "assumed"
    assert any("“Sharpe ratio”" in note and "file.py:function" in note for note in task.notes)


def test_a_known_metric_that_medalist_does_not_have_is_named() -> None:
    task = inferred("higgs-boson", {"y": ["b", "s"]}, {"y": "b"})
    assert task.metric_source == "assumed"
    assert any("Approximate median significance" in note and "file.py:function" in note for note in task.notes)


def test_the_source_stays_in_the_task_file(tmp_path) -> None:
    rng = np.random.default_rng(1)
    train = pd.DataFrame({"id": range(N), "x": rng.normal(size=N), "y": [0, 1] * (N // 2)})
    test = pd.DataFrame({"id": range(900, 905), "x": rng.normal(size=5)})
    competition = little_competition(train, test, test[["id"]].assign(y=0))
    task = infer_task(replace(competition, name="titanic"))
    file = tmp_path / "task.yaml"
    file.write_text(task_text(task))
    assert read_task(file, competition) == replace(task, notes=read_task(file, competition).notes)
    file.write_text("name: s3e7\n")  # what a file says of the name counts for the metric too
    assert read_task(file, competition).metric == "auc"
