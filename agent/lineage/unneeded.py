"""Predictions of a closed run that no later part of it would use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medalist.agent.experiment import Proposal, Record
from medalist.agent.feature_ideas import ARM
from medalist.agent.lineage.disk import Removal, last_used, size_of
from medalist.agent.records.eviction import needed
from medalist.agent.records.predictions import Predictions
from medalist.competitions.plural import count_text
from medalist.leaderboard.ledger.rows import ExperimentRow, RunRow, SubmissionRow
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline

_NOTHING = np.zeros((0, 1))
_STORED = Evaluation(_NOTHING, _NOTHING, _NOTHING, 0.0, 0.0, {})  # stands for predictions that are on disk


def unneeded_predictions(
    row: RunRow, folder: Path, experiments: Sequence[ExperimentRow], submissions: Sequence[SubmissionRow]
) -> list[Removal]:
    """The predictions of experiments that a resumed run would neither select for its ensemble nor fit others on: their
    scores stay. [] for a counted run, which is replayed from all of them, and where scores were not stored with them.
    """
    if row.config.get("max_experiments") is not None or not (folder / "predictions").is_dir():
        return []
    predictions = Predictions(folder / "predictions")
    records = [_record(e, predictions) for e in experiments]
    stored = {r.number for r in records if r.evaluation is not None}
    members = {int(n) for s in submissions for n in s.made_from.get("ensemble", ()) if int(n) < len(records)}
    rest = sorted(stored - needed(records, members & stored))
    files = [
        path
        for number in rest
        for path in (*predictions.arrays(number), predictions.fold_tests_path(number))
        if path.exists()
    ]
    if not files:
        return []
    what = f"predictions of {len(rest)} of {count_text(len(stored), 'experiment')} of run {row.id} of {row.competition}"
    return [Removal("predictions", what, tuple(files), size_of(files), last_used(files), run=row.id, claim=folder)]


def _record(row: ExperimentRow, predictions: Predictions) -> Record:
    """The record of an experiment with what decides whether its predictions are needed."""
    proposal = Proposal(Pipeline.from_dict(row.pipeline), row.reason, row.parent, row.arm, row.idea)
    adopted = row.arm == ARM and row.verdict == "keep"
    record = Record(row.number, proposal, row.verdict, row.verdict_reason, adopted=adopted)
    score = None if row.artifact is None else predictions.score_of_removed(row.number, removed=False)
    there = all(path.exists() for path in predictions.arrays(row.number))
    return replace(record, score=score, evaluation=_STORED if score is not None and there else None)
