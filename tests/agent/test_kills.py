"""What a kill at any instant leaves is whole, and what goes on from it loses nothing and gets no worse.

The slow tests kill real runs and nights by the functions of `benchmarks/kills.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import assert_valid

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import kill_checks
import kill_competitions
import kills

from medalist.agent.judging.champion import Champion
from medalist.agent.judging.feature_trials import FeatureJudge
from medalist.agent.judging.referee import Referee
from medalist.agent.records.confirmed import confirmed_in
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.records.standings import Standings
from medalist.agent.records.submissions import Submissions
from medalist.agent.run.reading import cards_of, read
from medalist.agent.run_data import RunData
from medalist.agent.score import Score
from medalist.leaderboard.boards.comparing import NoStanding
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow
from medalist.pipelines.decisions.decision import Decision
from medalist.pipelines.ensembling.selection import Ensemble
from medalist.pipelines.fitting.evaluation import Evaluation

VALUES = Decision("values", (-np.inf, np.inf))
SINGLE = Ensemble({0: 1.0})


@dataclass
class Part:
    """A part of a run on a generated competition: each one opens what the parts before have left."""

    public: Path
    runs: Path
    data: RunData
    referee: Referee
    run: str

    @property
    def folder(self) -> Path:
        return self.data.folder

    @contextlib.contextmanager
    def submissions(self, *, keeps_confirmed: bool = True) -> Iterator[Submissions]:
        """As a process that goes on with the run has them, until it ends."""
        schema: Any = self.data.schema
        with Ledger(self.runs / "ledger.sqlite") as ledger:
            journal = Journal(self.run, self.folder, ledger, Predictions.create(self.folder), schema, lambda _: None)
            journal.flush()
            yield Submissions(self.data, journal, Standings(NoStanding("unknown")), keeps_confirmed=keeps_confirmed)
            journal.queue.outbox.close()

    def begin(self) -> None:
        """A process begins to go on with the run, and ends."""
        with self.submissions() as submissions:
            submissions.begin(self.referee, None)

    def close(self, value: float, score: float) -> None:
        """A process closes the run with a confirmed submission of this value for all rows of test."""
        with self.submissions() as submissions:
            self.submit(submissions, value, score, confirmed=True)

    def submit(self, submissions: Submissions, value: float, score: float, *, confirmed: bool) -> None:
        """Submit this value for all rows of test."""
        answer = np.full((len(self.data.competition.test), 1), value)
        submissions.submit(answer, VALUES, of(score), SINGLE, "a test", confirmed=confirmed)

    @property
    def submitted(self) -> float:
        """The value that submission.csv has, whole and valid, in all rows."""
        frame = assert_valid(self.folder / "submission.csv", self.public / "sample_submission.csv")
        (value,) = set(frame["outcome"])
        return float(value)

    def recorded(self) -> list[tuple[str, float | None]]:
        """Hash and score of each submission in the ledger."""
        with Ledger(self.runs / "ledger.sqlite") as ledger:
            return [(row.sha256, row.score) for row in ledger.submissions(self.run)]


def of(value: float) -> Score:
    return Score(value, value, 0.1, np.full(5, value), np.full(5, value))


@pytest.fixture
def part(tmp_path: Path) -> Part:
    public = kill_competitions.make("regression", tmp_path / "public", 0)
    competition, task = read(str(public), {}, {}, None, 0)
    folder = tmp_path / "runs" / "public" / "run"
    data = RunData.create(competition, task, cards_of(competition, task), folder, tmp_path / "cache")
    folds = data.folds("search", 0, 5)
    with Ledger(tmp_path / "runs" / "ledger.sqlite") as ledger:
        run = ledger.start_run("public", {"path": str(public)}, {"metric": "rmse"}, "f", 0, folder)
    return Part(public, tmp_path / "runs", data, Referee(data, folds, FeatureJudge(data, folds), True), run)


def killed_at(number: int, work: Callable[[], None]) -> bool:
    """Do something in a process that is killed just before its so-many-th write of a file or to a ledger; whether it
    came so far."""
    child = os.fork()
    if child == 0:
        count = 0

        def audit(event: str, _: Any) -> None:
            nonlocal count
            if event in ("os.rename", "sqlite3.connect"):
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(audit)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_wherever_a_close_is_killed_the_better_confirmed_submission_is_there_afterwards(part: Part) -> None:
    part.close(1.0, 0.5)
    for number in range(1, 20):
        if not killed_at(number, lambda: part.close(2.0, 0.4)):
            break
        left = part.submitted
        assert left in (1.0, 2.0)
        kept = confirmed_in(part.folder)
        assert kept is not None
        assert left == 1.0 or kept[0].score == 0.4  # what is submitted is known to be confirmed
        part.begin()
        assert part.submitted == (2.0 if kept[0].score == 0.4 else 1.0)
        digest = hashlib.sha256((part.folder / "submission.csv").read_bytes()).hexdigest()
        assert part.recorded()[-1] == (digest, kept[0].score)
        rows = len(part.recorded())
        part.begin()
        assert len(part.recorded()) == rows
    assert number > 3  # it was killed before each of its writes
    assert part.submitted == 2.0


def test_what_was_confirmed_gives_way_to_what_is_confirmed_only(part: Part) -> None:
    part.close(1.0, 0.5)
    evaluation = Evaluation(
        np.zeros((0, 1)), np.full((kill_competitions.TEST_ROWS, 1), 3.0), np.ones((5, 1)), 1.0, 0, {}
    )
    records: Any = [type("Record", (), {"evaluation": evaluation})()]
    with part.submissions() as resumed:
        resumed.begin(part.referee, None)
        resumed.submit_champion(Champion(SINGLE, of(0.1), VALUES), records)
        assert part.submitted == 1.0
        assert len(part.recorded()) == 1
        part.submit(resumed, 2.0, 0.4, confirmed=True)
        assert part.submitted == 2.0
    with part.submissions(keeps_confirmed=False) as counted:  # it comes to the same as if nobody had interrupted it
        counted.begin(part.referee, None)
        counted.submit_champion(Champion(SINGLE, of(0.1), VALUES), records)
    assert part.submitted == 3.0


def test_a_submission_that_was_deleted_is_written_again_from_the_confirmed_one(part: Part) -> None:
    part.close(1.0, 0.5)
    (part.folder / "submission.csv").unlink()
    part.begin()
    assert part.submitted == 1.0
    assert len(part.recorded()) == 1


def test_predictions_of_an_experiment_that_was_never_recorded_are_not_taken_for_anothers(tmp_path: Path) -> None:
    predictions, tests = Predictions.create(tmp_path), [np.ones((3, 1))] * 2
    assert predictions.keep_fold_tests(0, tests)  # the run is killed before the ledger has it
    assert not predictions.keep_fold_tests(0, [])  # another experiment gets its number, without such predictions
    assert not predictions.fold_tests_path(0).exists()


# the harness itself: that it would notice


def row(number: int, pipeline: str, verdict: str = "keep", **more: Any) -> ExperimentRow:
    given = {"family": "linear", "reason": "", "verdict_reason": "", "score": 0.5, "standard_error": 0.01}
    return ExperimentRow(
        number=number,
        pipeline={},
        pipeline_hash=pipeline,
        verdict=verdict,
        **{**given, **more},  # type: ignore[arg-type]
    )


def state_of(part: Part) -> kill_checks.State:
    states, problems = kill_checks.read_states(part.runs)
    assert not problems
    return states[part.run]


def test_the_harness_notices_what_is_lost(part: Part) -> None:
    with part.submissions() as submissions:
        part.submit(submissions, 1.0, 0.5, confirmed=False)
    ledger = Ledger(part.runs / "ledger.sqlite")
    ledger.record_experiment(part.run, row(0, "a"))
    ledger.record_experiment(part.run, row(1, "b", "timeout", score=None))
    before = state_of(part)
    assert before.problems == []
    assert kill_checks.lost_rows(before, before) == []
    ledger.record_experiment(part.run, row(2, "b"))  # what was cut short is tried again
    assert state_of(part).problems == []
    ledger.record_experiment(part.run, row(3, "a"))
    assert ["repeated" in problem for problem in state_of(part).problems] == [True]
    assert kill_checks.lost_rows(before, state_of(part)) == []
    fewer, changed = replace(before, experiments=before.experiments[:1]), [before.experiments[0] | {"score": 0.6}]
    assert "row 1 of experiments is lost" in kill_checks.lost_rows(before, fewer)
    assert "row 0 of experiments has changed" in kill_checks.lost_rows(before, replace(before, experiments=changed))
    whole = (part.folder / "submission.csv").read_bytes()
    (part.folder / "submission.csv").write_bytes(whole[: len(whole) // 2])
    assert any("not valid" in problem for problem in state_of(part).problems)
    (part.folder / "submission.csv").unlink()
    assert "submission.csv is gone" in state_of(part).problems
    ledger.close()
    (part.runs / "ledger.sqlite").write_bytes(b"SQLite format 3\0" + bytes(4096))
    states, problems = kill_checks.read_states(part.runs)
    assert problems or not states


@pytest.mark.parametrize(
    ("was", "ends", "worse"),
    [
        (kill_checks.Estimate(0.5, 0.1, True), kill_checks.Estimate(0.5, 0.1, True), False),
        (kill_checks.Estimate(0.5, 0.1, True), kill_checks.Estimate(0.501, 0.1, True), True),
        (kill_checks.Estimate(0.5, 0.1, True), kill_checks.Estimate(0.4, 0.1, False, 0.4), True),
        (kill_checks.Estimate(0.5, 0.1, False, 0.5), kill_checks.Estimate(0.65, 0.1, True, 0.5), False),
        (kill_checks.Estimate(0.5, 0.1, False, 0.5), kill_checks.Estimate(0.8, 0.1, True, 0.5), True),
        (kill_checks.Estimate(0.5, 0.1, False, 0.5), kill_checks.Estimate(0.62, 0.1, True, 0.62), True),
        (kill_checks.Estimate(0.5, 0.1, False, 0.5), None, True),
        (None, None, False),
    ],
)
def test_the_harness_notices_an_end_that_is_worse(
    part: Part, was: kill_checks.Estimate | None, ends: kill_checks.Estimate | None, worse: bool
) -> None:
    state = replace(state_of(part), estimate=was)
    assert bool(kill_checks.got_worse(state, ends)) is worse


def test_the_table_counts_what_was_survived_and_says_why_not() -> None:
    shared = {"mode": "clock", "kind": "binary-0", "code": "c", "target": "all", "orphans_seconds": 0.1}
    rows = [
        shared | {"trial": 1, "phase": "close", "status": "survived", "reasons": []},
        shared | {"trial": 2, "phase": "close", "status": "lost", "reasons": ["row 1 of experiments is lost"]},
    ]
    text = kills.table(rows)
    assert "| close        | 2 | 1 | 1 |" in text
    assert "2 kills in 2 trials: 1 lost" in text
    assert "row 1 of experiments is lost" in text


@pytest.mark.parametrize("kind", kill_competitions.KINDS)
def test_generated_competitions_are_the_same_for_a_seed(tmp_path: Path, kind: str) -> None:
    one, two = (kill_competitions.make(kind, tmp_path / str(n), 3) for n in range(2))
    for file in sorted(one.iterdir()):
        assert file.read_bytes() == (two / file.name).read_bytes()
    train, test = pd.read_csv(one / "train.csv"), pd.read_csv(one / "test.csv")
    assert set(train.columns) - set(test.columns) == {"outcome"}


# twenty kills of real runs


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("number", "mode"), [(1, "clock"), (2, "clock"), (3, "counted"), (4, "night"), (5, "clock")])
def test_four_kills_of_a_run_lose_nothing(tmp_path: Path, number: int, mode: str) -> None:
    references = kills.References(tmp_path, "code")
    rows: list[dict[str, Any]] = []
    while len(rows) < 4:  # a run may be done before it was killed so often: then another one is
        rows += kills.run_trial(number, tmp_path, "code", references, mode=mode, kills=4 - len(rows))
        number += 10
    assert [reason for row in rows for reason in row["reasons"]] == []
    assert json.dumps(rows)
