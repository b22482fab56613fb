"""A run is graded by its task.yaml: on a leaderboard of unknown metric only where the metric was not assumed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medalist.agent.grade_files import grade_files
from medalist.agent.grading import grade
from medalist.agent.records.stores import open_ledger
from medalist.competitions.competition import Competition, read_competition
from medalist.competitions.errors import InputError
from medalist.competitions.task.file import write_task
from medalist.competitions.task.infer import infer_task
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.boards.own import add_board
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


def two_tables(sample: dict[str, object], description: str, targets: dict[str, object]) -> Competition:
    """Forty rows of train and four of test, whose ids are 40 to 43."""
    train = pd.DataFrame({"id": range(40), "size": np.arange(40.0) % 7, **targets})
    test = pd.DataFrame({"id": range(40, 44), "size": 1.0})
    return Competition("two", Path("two"), train, test, test[["id"]].assign(**sample), description, (), "0" * 16, ())


def test_an_interval_is_graded_on_answers_that_hold_the_value() -> None:
    text = "Scored by the Winkler interval score of an 80 % interval."
    task = infer_task(two_tables({"upper": 9.0, "lower": 1.0}, text, {"price": np.arange(40.0)}))
    answers = pd.DataFrame({"id": [43, 42, 41, 40], "price": [5.0, 5.0, 5.0, 5.0]})
    submission = pd.DataFrame({"id": range(40, 44), "upper": [6.0, 4.0, 9.0, 5.0], "lower": [4.0, 3.0, 6.0, 5.0]})
    expected = np.mean([2.0, 1.0 + 10 * 1.0, 3.0 + 10 * 1.0, 0.0])
    assert grade(task, submission, answers).score == pytest.approx(expected)


def test_partly_measured_answers_are_graded_where_they_are_measured() -> None:
    targets = {name: np.where(np.arange(40) % 3 == k, np.nan, np.arange(40.0)) for k, name in enumerate(("a", "b"))}
    task = infer_task(two_tables({"a": 0.0, "b": 0.0}, "Mean column-wise mean absolute error.", targets))
    answers = pd.DataFrame({"id": range(40, 44), "a": [1.0, np.nan, 3.0, np.nan], "b": [np.nan, 4.0, 4.0, 4.0]})
    submission = pd.DataFrame({"id": range(40, 44), "a": [0.0, 99.0, 0.0, 99.0], "b": [99.0, 4.0, 5.0, 6.0]})
    assert grade(task, submission, answers).score == pytest.approx((2.0 + 1.0) / 2)


Y_N, ONE_ZERO, YES_NO, BOTH = ["Y", "N"], [1, 0], ["yes", "no"], [True, False]


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
@pytest.mark.parametrize(("of_train", "of_answers"), [
    (Y_N, ONE_ZERO), (ONE_ZERO, YES_NO), (Y_N, YES_NO), (BOTH, ONE_ZERO), (YES_NO, BOTH), (["True", "False"], Y_N),
    (ONE_ZERO, BOTH), (["repaid", "not repaid"], ONE_ZERO),
])  # fmt: skip
def test_two_labels_may_be_written_otherwise_in_the_answers(metric: str, of_train: list, of_answers: list) -> None:
    def labels(pair: list, flags: list[int]) -> list:
        return [pair[0] if flag else pair[1] for flag in flags]

    shown = {"accuracy": labels(of_answers, [1, 0, 1, 0]), "auc": 0.5}[metric]
    data = two_tables({"y": shown}, "", {"y": labels(of_train, [1, 0, 0, 1] * 10)})
    task = infer_task(data, metric=metric)
    truth = pd.DataFrame({"id": range(40, 44), "y": labels(of_answers, [1, 0, 1, 1])})
    for names in ({}, {"y": "Answer"}):
        if names:
            data = two_tables({"Answer": shown}, "", {"y": labels(of_train, [1, 0, 0, 1] * 10)})
            task = infer_task(data, metric=metric)
        predicted = [1, 0, 0, 1]
        values = [0.9, 0.4, 0.3, 0.8] if metric == "auc" else labels(of_answers, predicted)
        submission = pd.DataFrame({"id": range(40, 44), "y": values}).rename(columns=names)
        expected = {"auc": 2 / 3, "accuracy": 0.75}[metric]
        for answers in (truth, truth.rename(columns=names)):
            assert grade(task, submission, answers).score == pytest.approx(expected)


def test_answers_and_submission_may_name_the_target_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDALIST_LEDGER", raising=False)
    places = [tmp_path / name for name in ("answers.csv", "submission.csv")]
    pd.DataFrame({"id": [1, 2, 3, 4], "label": ["Y", "N", "Y", "Y"]}).to_csv(places[0], index=False)
    pd.DataFrame({"id": [4, 3, 2, 1], "Solution": [1, 1, 1, 1]}).to_csv(places[1], index=False)
    _, _, result = grade_files(places[1], places[0], None, "accuracy", None, str(tmp_path / "runs"))
    assert result.score == pytest.approx(0.75)
    pd.DataFrame({"id": [1, 2, 3, 4], "low": 0.0, "high": 1.0}).to_csv(places[1], index=False)
    with pytest.raises(InputError, match=r"low, high where the answers have label.*--competition"):
        grade_files(places[1], places[0], None, "winkler", None, str(tmp_path / "runs"))
