"""Predictions of a run are bounded: what no ensemble or stack would use goes, and its score stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medalist.agent.experiment import Proposal, Record
from medalist.agent.records.eviction import evict, needed, predictions_limit
from medalist.agent.records.journal import Journal
from medalist.agent.records.predictions import Predictions
from medalist.agent.score import Score
from medalist.competitions.errors import InputError
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

COUNT, ROWS = 160, 50
BYTES = 2 * (ROWS * 8 + 128)  # of one experiment's two arrays


def made(
    number: int, loss: float, *, family: str = "lightgbm", arm: str = "tune", bases: tuple[str, ...] = ()
) -> Record:
    """An experiment with predictions; its loss decides what it is worth."""
    pipeline = Pipeline.of(["number(x)"], family, {"n": number}, stacked=bases)
    predictions = np.full((ROWS, 1), loss)
    evaluation = Evaluation(predictions, predictions, np.ones((1, 1)), 1.0, 0.0, {})
    score = Score(loss, 0.1, loss, np.full(3, loss))
    return Record(number, Proposal(pipeline, "why", None, arm), "keep", "", score=score, evaluation=evaluation)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Of experiments that get worse and worse; the last one is stacked upon the one before it."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    run = ledger.start_run("c", {}, {}, "f" * 16, 0, tmp_path / "run")
    predictions = Predictions.create(tmp_path / "run")
    journal = Journal(run, tmp_path / "run", ledger, predictions, Schema({"x": "number"}), lambda _: None)
    for number in range(COUNT - 1):
        journal.add(made(number, 1 + number / COUNT, arm="start" if number == 0 else "tune"))
    journal.add(made(COUNT - 1, 0.5, family="linear", bases=(journal.records[-1].pipeline.hash,)))
    return journal


def test_members_candidates_and_what_they_are_fitted_on_are_needed(journal: Journal) -> None:
    kept = needed(journal.records, {130})
    assert {0, 59, 99, 130, COUNT - 1, COUNT - 2} <= kept
    assert not {110, 120, 140} & kept


def test_the_worst_go_down_to_the_limit_and_their_scores_stay(journal: Journal) -> None:
    assert journal.predictions.bytes_kept == COUNT * BYTES
    assert evict(journal, {130}) == 0, "there is no limit"
    limited = Predictions.create(journal.folder, (COUNT - 10) * BYTES)
    journal.predictions = limited
    count = evict(journal, {130})
    assert limited.bytes_kept <= 0.8 * (COUNT - 10) * BYTES
    gone = [r.number for r in journal.records if r.evaluation is None]
    assert len(gone) == count
    assert gone == sorted(set(range(COUNT)) - needed(journal.records, {130}) - {130})[-count:]
    for number in gone:
        assert not any(path.exists() for path in limited.arrays(number))
        score, before = limited.score_of_removed(number), journal.records[number].score
        assert score is not None
        assert before is not None
        assert (score.value, score.loss, score.blocks.tolist()) == (before.value, before.loss, before.blocks.tolist())
    assert limited.score_of_removed(0) is None, "it still has its predictions"
    assert Predictions.create(journal.folder).bytes_kept == limited.bytes_kept


def test_what_is_needed_stays_whatever_the_limit(journal: Journal) -> None:
    journal.predictions = Predictions.create(journal.folder, 1)
    kept = needed(journal.records, {130})
    evict(journal, {130})
    assert {r.number for r in journal.records if r.evaluation is not None} == kept
    assert evict(journal, {130}) == 0


@pytest.mark.parametrize("text", ["0", "-1", "much"])
def test_a_limit_that_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDALIST_PREDICTIONS_GIB", text)
    with pytest.raises(InputError, match="MEDALIST_PREDICTIONS_GIB"):
        predictions_limit()
