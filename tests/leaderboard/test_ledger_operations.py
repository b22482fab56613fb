"""Operations: calls of the ledger as values, which can be kept as lines of text and delivered more than once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medalist.competitions.errors import LedgerError
from medalist.leaderboard.boards.standing import Standing
from medalist.leaderboard.ledger.kaggle_submissions import KaggleSubmissionRow
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.operations import METHODS, Operation
from medalist.leaderboard.ledger.process import this_process
from medalist.leaderboard.ledger.rows import ExperimentRow, FeatureRow, ScreeningRow

RUN = "20261130-220000-abcd1234"


BEGINS = Operation.of(
    "start_run", RUN, competition="mine", config={"seed": 0}, task={}, fingerprint="ab", seed=0, folder="x",
    process=this_process(),
)  # fmt: skip


def submitted(name: str) -> Operation:
    return Operation.of("add_submission", RUN, made_from={"ensemble": {"1": 1.0}}, path="s.csv", sha256=name)


def sent(state: str, public_score: float | None = None) -> Operation:
    when = datetime(2026, 12, 1, 3, tzinfo=UTC)
    row = KaggleSubmissionRow(
        id="k1", competition="mine", sha256="aa", message="a \x00 b", state=state, submitted=when, ref=2**40,
        score=0.8, standard_error=np.nan, public_score=public_score, place=3, medal="gold",
    )  # fmt: skip
    return Operation.of("record_kaggle_submission", RUN, row=row)


def everything() -> list[Operation]:
    """One operation of each kind, and more of those that a repetition would double."""
    standing = Standing("mine", 9, 0.8, 0.5, "bronze", "silver", 0.1, {"bronze": 0.5}, "cross-validation")
    feature = FeatureRow("a / b", "number / number", 0, "kept", np.float64(0.1), np.nan, experiment=0)
    screening = ScreeningRow(step=0, screened=9, passed=2, seconds=1.5, parent=0, result={"picks": [1.5, {"a": None}]})
    row = ExperimentRow(
        number=0, pipeline={"n": 0}, pipeline_hash="0", family="f", reason="r", verdict="keep", verdict_reason="v",
        score=np.float32(0.1), fold_scores=(0.1, np.nan), seconds=1 / 3, error="a \x00 b\nc\u2028d",
    )  # fmt: skip
    return [
        BEGINS,
        Operation.of("add_features", RUN, rows=[FeatureRow("c", "number", 0, "forced")]),
        Operation.of("record_experiment", RUN, row=row, features=[feature]),
        Operation.of("record_screening", RUN, row=screening, features=[feature]),
        submitted("aa"),
        submitted("bb"),
        submitted("aa"),
        Operation.of("set_noise_floor", RUN, noise_floor=0.25),
        Operation.of("add_standing", RUN, competition="mine", standing=standing, submission="s.csv", metric="auc"),
        sent("sending"),
        sent("complete", 0.7),
        Operation.of("finish_run", RUN, status="finished", summary={"score": 0.8}),
        Operation.of("resume_run", RUN, folder=Path("x"), config={"seed": 1}, process=this_process()),
    ]


def contents(ledger: Ledger) -> list[Any]:
    rows = [ledger.experiments(RUN), ledger.submissions(RUN), ledger.features(RUN), ledger.screenings(RUN)]
    return [ledger.run(RUN), *rows, ledger.standings(), ledger.kaggle_submissions()]


def test_every_operation_comes_back_from_its_line_as_it_was() -> None:
    operations = everything()
    assert {operation.method for operation in operations} == set(METHODS)
    assert [Operation.from_line(operation.to_line()) for operation in operations] == operations
    assert all(operation.to_line().count("\n") == 1 for operation in operations)
    assert [operation.rows for operation in operations][:4] == [1, 1, 2, 2]


def test_delivered_rows_are_those_that_a_call_would_have_made_and_a_repetition_changes_nothing(url: str) -> None:
    operations = everything()
    with Ledger(url) as ledger:
        for operation in operations:
            operation.perform(ledger)
        before = contents(ledger)
        for operation in [*operations, *operations[4:7]]:  # as after a kill before the outbox was emptied
            operation.perform(ledger)
        assert contents(ledger) == before
        row = ledger.experiments(RUN)[0]
        assert (row.score, row.fold_scores, row.seconds) == (float(np.float32(0.1)), (0.1, None), 1 / 3)
        assert row.error == "a \\x00 b\nc\u2028d"
        assert [s.sha256 for s in ledger.submissions(RUN)] == ["aa", "bb", "aa"]
        assert [f.text for f in ledger.features(RUN)] == ["c", "a / b", "a / b"]
        (kept,) = ledger.kaggle_submissions()
        assert (kept.state, kept.public_score, kept.standard_error, kept.ref) == ("complete", 0.7, None, 2**40)
        assert (kept.submitted, kept.message) == (datetime(2026, 12, 1, 3, tzinfo=UTC), "a \\x00 b")
        assert ledger.run(RUN).status == "running"  # its end came before it went on
        assert str(row.recorded).replace(" ", "T") == operations[2].recorded  # when it was made, not when it came


def test_a_line_that_is_not_whole_is_no_operation() -> None:
    line = BEGINS.to_line()
    for damaged in (line[:-1], line[:-2] + "\n", line.replace("mine", "mind"), "\x00" * 80, "", "\n"):
        assert Operation.from_line(damaged) is None


def test_what_a_newer_version_queued_is_refused() -> None:
    line = Operation("write_poem", RUN, {}, "an id", "2026").to_line()
    with pytest.raises(LedgerError, match="update medalist"):
        Operation.from_line(line)
