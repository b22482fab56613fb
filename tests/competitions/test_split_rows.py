"""Train and test that are rows of one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from little import roles, write

from medalist.agent.run.reading import read
from medalist.competitions.competition import read_competition
from medalist.competitions.errors import MedalistError
from medalist.competitions.task.infer import infer_task

N, M = 90, 30
IS_TEST = np.arange(N + M) % 4 == 1


def boats(blank: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    knots = rng.normal(9, 2, N + M).round(2)
    table = pd.DataFrame({"boat": np.arange(500, 500 + N + M), "sail": rng.normal(size=N + M).round(2), "knots": knots})
    return table.assign(knots=table["knots"].mask(IS_TEST)) if blank else table


COLUMNS = {
    "words": ("set", np.where(IS_TEST, "test", "train")),
    "capitals": ("Dataset", np.where(IS_TEST, "TEST", "TRAIN")),
    "a third part": ("fold_of", np.where(IS_TEST, "testing", np.where(np.arange(N + M) % 4 == 2, "val", "training"))),
    "a flag": ("is_test", IS_TEST.astype(int)),
    "a flag for train": ("is_train", ~IS_TEST),
    "words for what is asked": ("kind", np.where(IS_TEST, "submission", "train")),
}


@pytest.mark.parametrize("with_sample", [True, False])
@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_says_which_rows_are_test(tmp_path: Path, case: str, with_sample: bool) -> None:
    name, values = COLUMNS[case]
    table = boats().assign(**{name: values})
    files = {"sample_submission": table.loc[IS_TEST, ["boat"]].assign(knots=0.0)[::-1]} if with_sample else {}
    write(tmp_path, fleet=table, **files)
    competition, task = read(str(tmp_path), {"metric": "rmse"}, {}, None, 0)
    assert competition.train["boat"].tolist() == table["boat"][~IS_TEST].tolist()
    assert competition.test["boat"].tolist() == table["boat"][IS_TEST].tolist()
    assert (task.targets, task.id) == (("knots",), ("boat",))
    assert task.features(competition.train, competition.test) == ["sail"]
    assert any(f"{N} rows of train and {M} of test" in note and name in note for note in competition.notes)
    assert sorted(f.role for f in competition.files if f.path == "fleet.csv") == ["test", "train"]
    frame = task.submission(competition.test, np.zeros((M, 1)), competition.sample)
    assert sorted(frame["boat"]) == table["boat"][IS_TEST].tolist()


def test_the_rows_of_the_sample_have_no_target(tmp_path: Path) -> None:
    table = boats()
    write(tmp_path, fleet=table, sample=table.loc[IS_TEST, ["boat"]].assign(knots=0.0))
    competition, task = read(str(tmp_path), {"metric": "rmse"}, {}, None, 0)
    assert (len(competition.train), len(competition.test), task.targets) == (N, M, ("knots",))


@pytest.mark.parametrize("targets", [["knots"], None])
def test_targets_that_are_filled_in_are_answers(tmp_path: Path, targets: list[str] | None) -> None:
    write(tmp_path, fleet=boats(blank=False).assign(part=np.where(IS_TEST, "test", "train")))
    (tmp_path / "about.md").write_text("Predict the knots. Submissions are evaluated by RMSE.")
    competition, task = read(str(tmp_path), {"targets": targets}, {}, None, 0)
    assert (len(competition.train), task.targets) == (N, ("knots",))
    assert "knots" not in competition.test


def test_tables_of_their_own_come_first(tmp_path: Path) -> None:
    table = boats(blank=False).assign(split=np.where(np.arange(N + M) % 3 == 0, "test", "train"))
    write(tmp_path, train=table[:N], test=table[N:].drop(columns="knots"))
    competition = read_competition(tmp_path, need_sample=False)
    assert (len(competition.train), "split" in competition.test) == (N, True)
    assert roles(competition) == {"train.csv": "train", "test.csv": "test"}


def test_a_column_of_other_words_parts_nothing(tmp_path: Path) -> None:
    write(tmp_path, fleet=boats(blank=False).assign(part=np.where(IS_TEST, "hull", "deck")))
    competition = read_competition(tmp_path)
    assert (len(competition.test), "part" in competition.train) == (0, True)
    with pytest.raises(MedalistError, match="--target"):
        infer_task(competition, metric="rmse", targets="speed")
