"""Replay: a resumed run takes in what its earlier parts have recorded."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from medalist.agent import score as scoring
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import best_of, scored
from medalist.agent.judging.champion import Leaders, candidates
from medalist.agent.judging.referee import Referee
from medalist.agent.records.journal import Journal
from medalist.leaderboard.ledger.schema import ExperimentRow
from medalist.pipelines.fitting.fold import Evaluation
from medalist.pipelines.pipeline import Pipeline


def replay(journal: Journal, referee: Referee, rows: Sequence[ExperimentRow], *, exactly: bool) -> Leaders:
    """Take the rows of the ledger into the journal, and return what leads the run by them. Nothing is written.

    `exactly` judges every experiment again in its turn, which takes as long as it took, and comes to the same where
    nothing depends on the clock. Otherwise verdicts are the recorded ones, and the ensemble is selected once.
    """
    leaders = Leaders(noise_floor=journal.noise_floor())
    for row in rows:
        recipe = dict(row.pipeline)
        details = recipe.pop("aside")
        journal.worked_before = float(details["at"])
        proposal = Proposal(Pipeline.from_dict(recipe), row.reason, row.parent, details["arm"], details["idea"])
        evaluation = None if row.artifact is None else _kept(journal, row.number)
        if evaluation is None:
            record = _failed(proposal, row, details)
        else:
            losses = tuple(details["fold_losses"])
            if exactly:
                judgement = referee.judge(
                    row.number, proposal, evaluation, row.seconds, losses, journal.records, leaders
                )
                record, leaders = judgement.record, judgement.leaders
            else:
                record = _recorded(referee, journal.records, proposal, evaluation, row, details)
            record = replace(record, keeps_folds=journal.predictions.fold_tests_path(row.number).exists())
        journal.recall(record)
    if not exactly:
        leader = best_of(scored(journal.records))
        leaders = replace(leaders, best=None if leader is None else leader.number)
        members = _last_members(journal)
        if pool := candidates(journal.records, members):
            leaders = replace(leaders, champion=referee.select(pool, members))
    return leaders


def _last_members(journal: Journal) -> set[int]:
    """Numbers of the experiments that the last submission of an ensemble is made from."""
    ensembles = (s.made_from.get("ensemble") for s in reversed(journal.ledger.submissions(journal.run_id)))
    return {int(number) for number in next(filter(None, ensembles), ())}


def _kept(journal: Journal, number: int) -> Evaluation | None:
    """The kept evaluation of an experiment; None where a power cut has left none that can be read."""
    try:
        return journal.predictions.load(number)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        journal.note(f"The predictions of experiment {number} are lost ({error}).")
        return None


def _failed(proposal: Proposal, row: ExperimentRow, details: Mapping[str, Any]) -> Record:
    """The record of an experiment without predictions."""
    return Record(
        row.number,
        proposal,
        row.verdict,
        row.verdict_reason,
        seconds=row.seconds,
        error=row.error,
        early_loss=details["early_loss"],
    )


def _recorded(
    referee: Referee,
    history: Sequence[Record],
    proposal: Proposal,
    evaluation: Evaluation,
    row: ExperimentRow,
    details: Mapping[str, Any],
) -> Record:
    """The record of an experiment with the recorded score and verdict: nothing is decided again."""
    data, folds = referee.data, referee.folds
    score = scoring.score(
        data.metric, data.problem, folds.y, evaluation.oof, None, folds.blocks, folds.weights, folds.clusters
    )
    return Record(
        row.number,
        proposal,
        row.verdict,
        row.verdict_reason,
        score=replace(
            score,
            value=score.value if row.score is None else row.score,
            standard_error=row.standard_error or 0.0,
        ),
        evaluation=evaluation,
        fold_scores=[float("nan") if value is None else value for value in row.fold_scores],
        seconds=row.seconds,
        gain=(details["gain"] or 0.0) * noise_of(history),
        fold_losses=tuple(details["fold_losses"]),
        adopted=proposal.arm == ARM and row.verdict == "keep",
    )
