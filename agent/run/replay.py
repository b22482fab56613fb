"""A run that goes on takes in what its earlier parts have recorded."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace

from medalist.agent import score as judge
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.judging.ensemble import pool_of
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.search.session import Session
from medalist.leaderboard.ledger.rows import ExperimentRow
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline


def replay(session: Session, rows: Sequence[ExperimentRow], *, exactly: bool) -> None:
    """Take in the rows of the ledger; nothing is written.

    `exactly` judges every experiment again in its turn, which takes as long as it took, and comes to the same where
    nothing depends on the clock. Otherwise verdicts are those that the rows tell, and the ensemble is selected once.
    """
    session.recall_floor()
    for row in rows:
        session.worked_before = row.run_seconds
        proposal = Proposal(Pipeline.from_dict(row.pipeline), row.reason, row.parent, row.arm, row.idea)
        evaluation = None if row.artifact is None else _kept(session, row.number)
        if evaluation is None:
            record = Record(
                row.number,
                proposal,
                row.verdict,
                row.verdict_reason,
                seconds=row.seconds,
                error=row.error,
                early_loss=row.early_loss,
            )
        else:
            losses = _numbers(row.fold_losses)
            if exactly:
                record = session.take_in(*session.scored(row.number, proposal, evaluation, row.seconds, losses))
            else:
                record = _as_told(session, proposal, evaluation, row)
            record = replace(record, keeps_folds=session.outputs.folds_path(row.number).exists())
        session.records.append(record)
    if not exactly:
        members = _last_members(session)
        if pool := pool_of(session.records, members):
            session.champion = session.select(pool, members)


def _last_members(session: Session) -> set[int]:
    """Numbers of the experiments that the last submission of an ensemble is made from."""
    ensembles = (s.made_from.get("ensemble") for s in reversed(session.ledger.submissions(session.run_id)))
    return {int(number) for number in next(filter(None, ensembles), ())}


def _kept(session: Session, number: int) -> Evaluation | None:
    """The kept predictions of an experiment; None where a power cut has left none that can be read."""
    try:
        return session.outputs.load(number)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        session.emit({"event": "note", "text": f"The predictions of experiment {number} are lost ({error})."})
        return None


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    """The values with NaN for what the ledger keeps as None."""
    return tuple(float("nan") if value is None else value for value in values)


def _as_told(session: Session, proposal: Proposal, evaluation: Evaluation, row: ExperimentRow) -> Record:
    """The record of an experiment with the scores and the verdict that its row tells: nothing is decided again."""
    ground, folds = session.ground, session.folds
    score = judge.score(
        ground.metric, ground.problem, folds.y, evaluation.oof, None, folds.blocks, folds.weights, folds.apart
    )
    record = Record(
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
        fold_scores=list(_numbers(row.fold_scores)),
        seconds=row.seconds,
        gain=(row.gain_in_noise or 0.0) * noise_of(session.records),
        fold_losses=_numbers(row.fold_losses),
        adopted=proposal.arm == ARM and row.verdict == "keep",
    )
    before = None if session.best is None else session.best.score
    if record.usable and record.score is not None and (before is None or record.score.loss < before.loss):
        session.best = record
    return record
