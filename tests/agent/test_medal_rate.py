"""`medalist medals`: the any-medal rate over seeds, of comparable scores alone, and what it leaves out and why."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from medalist.agent.cli.main import main
from medalist.leaderboard.boards.lookup import find_board
from medalist.leaderboard.boards.own import add_board
from medalist.leaderboard.boards.standing import Basis, Standing, standing_on_board
from medalist.leaderboard.ledger.ledger import Ledger


@dataclass
class Runs:
    """A folder of runs with a ledger, and leaderboards "one", "two" and "three" of 200 teams with scores 0.3 to 0.7 by
    accuracy, of which 0.62 and more earn bronze."""

    folder: Path
    ledger: Ledger
    ids: Iterator[str] = field(default_factory=lambda: (f"20260101-0000{n:02d}-aaaaaaaa" for n in range(60)))

    def run(
        self,
        competition: str,
        seed: int,
        score: float | None,
        basis: Basis = "cross-validation",
        status: str = "finished",
    ) -> None:
        """A run with its standing, or without one."""
        run = self.ledger.start_run(
            competition, {}, {"metric": "accuracy"}, "0" * 16, seed, self.folder / "x", run_id=next(self.ids)
        )
        if score is not None:
            self.standing(run, competition, score, basis)
        if status != "running":
            self.ledger.finish_run(run, status, {})

    def standing(self, run: str | None, competition: str, score: float, basis: Basis = "cross-validation") -> None:
        board = find_board(competition)
        assert board is not None
        found = standing_on_board(score, board, basis, 0.02)
        assert isinstance(found, Standing)
        self.ledger.add_standing(run, competition, found, metric="accuracy")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    monkeypatch.setenv("MEDALIST_LEADERBOARDS", str(tmp_path / "boards"))
    scores = np.linspace(0.3, 0.7, 200)
    (tmp_path / "scores.txt").write_text("\n".join(map(str, scores)), encoding="utf-8")
    for name in ("one", "two", "three"):
        add_board(tmp_path / "scores.txt", name, greater_is_better=True, metric="accuracy")
    with Ledger(tmp_path / "runs" / "ledger.sqlite") as ledger:
        yield Runs(tmp_path / "runs", ledger)


@pytest.fixture
def medals(runs: Runs, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*arguments: str | Path) -> str:
        with pytest.raises(SystemExit) as end:
            main(["medals", "--runs-dir", str(runs.folder), *map(str, arguments)])
        out, error = capsys.readouterr()
        return out if end.value.code == 0 else error

    return call


def rates(medals: Callable[..., str], *arguments: str | Path) -> dict:
    return dict(json.loads(medals("--json", *arguments))["rates"])


def test_the_rate_is_the_mean_over_seeds_with_its_standard_error(
    runs: Runs, medals: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for seed, scores in enumerate([(0.69, 0.66, 0.4), (0.66, 0.4, 0.4), (0.69, 0.69, 0.69)]):
        for name, score in zip(("one", "two", "three"), scores, strict=True):
            runs.run(name, seed, score)
    rate = rates(medals)["cross-validation"]
    shares = np.array([2 / 3, 1 / 3, 1.0])
    assert rate["any_medal"] == pytest.approx(shares.mean())
    assert rate["standard_error"] == pytest.approx(shares.std(ddof=1) / np.sqrt(3))
    assert (rate["runs"], rate["balanced"], rate["left_out"]) == (9, True, {})
    assert sum(rate["medals"].values()) == 6
    text = medals()
    assert "Any medal: 66.7 ± 19.2 % of competitions, over 3 seeds (9 runs" in text
    assert "MLE-bench asks" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_holdouts_and_estimates_are_counted_apart(runs: Runs, medals: Callable[..., str]) -> None:
    runs.run("one", 0, 0.69, "holdout")
    runs.run("one", 1, 0.4, "holdout")
    runs.run("two", 0, 0.69)
    found = rates(medals)
    assert (found["holdout"]["any_medal"], found["holdout"]["runs"]) == (0.5, 2)
    assert (found["cross-validation"]["any_medal"], found["cross-validation"]["standard_error"]) == (1.0, None)
    assert found["holdout"]["left_out"] == {"no grade on a holdout": 1}
    text = medals()
    assert text.index("Measured on a holdout") < text.index("Estimated by cross-validation")
    assert "one alone shows no standard error" in text


def test_what_does_not_compare_is_left_out_with_its_reason(runs: Runs, medals: Callable[..., str]) -> None:
    runs.run("one", 0, 0.4)
    runs.run("one", 0, 0.69)  # newer, of the same seed
    runs.run("titanic", 0, 0.99)  # a leaked top
    run = runs.ledger.start_run("two", {}, {}, "0" * 16, 0, runs.folder / "x", run_id=next(runs.ids))
    runs.ledger.add_score(run, "two", 0.9, "cross-validation", True, 0.01, metric="auc")
    run = runs.ledger.start_run("unheard-of", {}, {}, "0" * 16, 0, runs.folder / "x", run_id=next(runs.ids))
    runs.ledger.add_score(run, "unheard-of", 0.9, "cross-validation", True, 0.01, metric="auc")
    runs.standing(None, "three", 0.69, "holdout")  # a file of no run
    document = json.loads(medals("--json"))
    rate = document["rates"]["cross-validation"]
    assert (rate["any_medal"], rate["runs"]) == (1.0, 1)
    assert rate["left_out"] == {
        "another run of the same competition and seed, which counts": 1,
        "a leaderboard with a leaked top, whose medals mean nothing": 1,
        "another metric than the leaderboard's, or an assumed one": 1,
        "no leaderboard is known": 1,
    }
    assert document["standings_of_no_run"] == 1
    by_name = {s["competition"]: s for s in document["standings"]}
    assert {name for name, s in by_name.items() if s["counts"]} == {"one", "three"}
    assert by_name["titanic"]["left_out"].startswith("a leaderboard with a leaked top")
    assert "[1] not counted" in medals()


def test_a_failed_run_counts_as_one_without_a_medal(runs: Runs, medals: Callable[..., str]) -> None:
    runs.run("one", 0, 0.69)
    runs.run("one", 1, None, status="failed")
    runs.run("two", 1, None, status="failed")
    runs.run("three", 0, None, status="interrupted")
    rate = rates(medals)["cross-validation"]
    assert rate["seeds"] == {"0": {"any_medal": 1, "competitions": 1}, "1": {"any_medal": 0, "competitions": 1}}
    assert rate["left_out"] == {
        "no score yet: running, or interrupted": 1,
        "a failure, on a competition where no other run counts": 1,
    }


def test_the_best_and_the_last_standing_are_shown_with_the_interval(runs: Runs, medals: Callable[..., str]) -> None:
    for score in (0.5, 0.66, 0.45):
        runs.run("one", 0, score)
    (found,) = json.loads(medals("--json"))["standings"]
    assert (found["score"], found["last"]["score"]) == (0.66, 0.45)
    low, high = found["percentile_interval"]
    assert low < found["percentile"] < high


def test_several_ledgers_count_together_and_a_run_once(runs: Runs, medals: Callable[..., str], tmp_path: Path) -> None:
    runs.run("one", 0, 0.69)
    with Ledger(tmp_path / "other" / "ledger.sqlite") as ledger:
        other = Runs(tmp_path / "other", ledger, iter(["20260202-000000-bbbbbbbb", "20260202-000001-bbbbbbbb"]))
        other.run("two", 1, 0.4)
    rate = rates(medals, "--also", tmp_path / "other", "--also", runs.folder)["cross-validation"]
    assert (rate["runs"], rate["any_medal"], rate["balanced"]) == (2, 0.5, False)
    assert "There is no ledger in" in medals("--also", tmp_path / "absent")
