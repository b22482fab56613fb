"""Additional training rows beside train: told by columns and values, brought into train's form, never answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.agent.run.reading import cards_of, read
from medalist.agent.run.row_setup import row_arms
from medalist.agent.run_data import RunData
from medalist.competitions.additional_rows import additional_rows

TEXT = "Submissions are evaluated by RMSE between y and the prediction."


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)).round(6), columns=["a", "b", "c"])
    frame["city"] = rng.choice(["Ulm", "Bonn", "Kiel"], n)
    frame["y"] = frame["a"] + rng.normal(size=n).round(6)
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    both = rows(300, 0).assign(id=range(300))
    train, test = both[:200], both[200:]
    train.to_csv(tmp_path / "train.csv", index=False)
    test.drop(columns="y").to_csv(tmp_path / "test.csv", index=False)
    test[["id", "y"]].assign(y=0.0).to_csv(tmp_path / "sample_submission.csv", index=False)
    (tmp_path / "description.md").write_text(TEXT)
    return tmp_path


def role(folder: Path, name: str) -> str:
    competition, _ = read(str(folder), {}, {}, None, 0, None)
    return next(f.role for f in competition.files if f.path == name)


def table(folder: Path):
    competition, task = read(str(folder), {}, {}, None, 0, None)
    return additional_rows(competition, task, task.features(competition.train, competition.test))


def test_rows_of_another_origin_are_found_by_what_they_hold_and_get_the_form_of_train(folder):
    more = rows(120, 7).drop(columns="c").rename(columns={"a": "A", "city": "City "})
    more.loc[0, "y"] = np.nan
    more.to_csv(folder / "measured_2019.csv", index=False)
    assert role(folder, "measured_2019.csv") == "additional"
    made = table(folder)
    assert len(made.frame) == 119
    assert made.frame["a"].tolist() == pytest.approx(more["A"].tolist()[1:])
    assert made.frame["c"].isna().all()
    assert set(made.frame["city"]) <= {"Ulm", "Bonn", "Kiel"}
    assert made.findings == ()


@pytest.mark.parametrize("kind", ["another target", "few columns", "own rows"])
def test_other_tables_stay_further_tables(folder, kind):
    more = rows(120, 7)
    if kind == "another target":
        more["y"] += 1000.0
    elif kind == "few columns":
        more = more[["city", "y"]]
    else:  # out-of-fold predictions in the place of the target
        more = pd.read_csv(folder / "train.csv")
        more["y"] = more["y"] * 0.9
    more.to_csv(folder / "original.csv", index=False)
    assert role(folder, "original.csv") == "extra"


def test_rows_that_repeat_train_or_test_are_left_out_and_told(folder):
    train, test = pd.read_csv(folder / "train.csv"), rows(300, 0)[200:]
    more = pd.concat([rows(120, 7), train.drop(columns="id")[:30], test[:40]], ignore_index=True)
    more.to_csv(folder / "original.csv", index=False)
    made = table(folder)
    assert len(made.frame) == 120
    by_severity = {f.severity: f for f in made.findings}
    assert "40 of 190" in by_severity["warning"].message
    assert "30 of 190" in by_severity["info"].message


def test_a_run_has_them_beside_its_own_rows_and_to_look_up(folder, tmp_path):
    competition, task = read(str(folder), {}, {}, None, 0, None)
    cards = cards_of(competition, task)
    assert RunData.create(competition, task, cards, tmp_path / "run", tmp_path / "cache").additional is None
    rows(120, 7).to_csv(folder / "original.csv", index=False)
    competition, task = read(str(folder), {}, {}, None, 0, None)
    data = RunData.create(competition, task, cards, tmp_path / "run", tmp_path / "cache")
    assert data.additional.store.n_rows == 300 + 120
    assert len(data.y) == 200
    assert "y" in data.store.table("original").columns  # the target of other rows is no leak
    assert "additional training rows" in data.table_hashes
    assert next(arm.name for arm in row_arms(data)) == "rows:additional"
    assert data.training_input.additional.targets.exists()
