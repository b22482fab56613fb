"""A run is graded by its task.yaml: on a leaderboard of unknown metric only where the metric was not assumed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.agent.grading import grade_files
from medalist.agent.records.stores import open_ledger
from medalist.competitions.competition import read_competition
from medalist.competitions.task.file import write_task
from medalist.competitions.task.infer import infer_task
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.lookup import add_board
from medalist.leaderboard.boards.standing import Standing


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, str]:
    """(submission of a run whose metric was assumed, answers, folder of runs), with a board of unknown metric."""
    monkeypatch.delenv("MEDALIST_LEDGER", raising=False)
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    (tmp_path / "scores.txt").write_text("1.5\n2.5\n3.5\n", encoding="utf-8")
    add_board(tmp_path / "scores.txt", "unheard-of", greater_is_better=False)
    rng = np.random.default_rng(0)
    place = tmp_path / "unheard-of"
    place.mkdir()
    table = pd.DataFrame({"id": range(60), "size": rng.random(60), "price": rng.random(60) * 9})
    table[:40].to_csv(place / "train.csv", index=False)
    table.loc[40:, ["id", "size"]].to_csv(place / "test.csv", index=False)
    submission = table.loc[40:, ["id"]].assign(price=4.0)
    submission.to_csv(place / "sample_submission.csv", index=False)
    folder = tmp_path / "runs" / "unheard-of" / "run"
    folder.mkdir(parents=True)
    competition = read_competition(place)
    write_task(infer_task(competition), folder / "task.yaml")
    submission.to_csv(folder / "submission.csv", index=False)
    table.loc[40:, ["id", "price"]].to_csv(tmp_path / "answers.csv", index=False)
    with open_ledger(str(tmp_path / "runs")) as ledger:
        ledger.start_run("unheard-of", {"path": str(place)}, {}, competition.fingerprint, 0, folder)
    return folder / "submission.csv", tmp_path / "answers.csv", str(tmp_path / "runs")


def test_an_assumed_metric_gives_no_standing_until_it_is_named(finished: tuple[Path, Path, str]) -> None:
    submission, answers, runs = finished
    _, task, grade = grade_files(submission, answers, None, None, None, runs)
    assert (task.metric, task.metric_source) == ("rmse", "assumed")
    assert isinstance(grade.standing, NoStanding)
    _, task, grade = grade_files(submission, answers, None, "rmse", None, runs)
    assert task.metric_source == "given"
    assert isinstance(grade.standing, Standing)
