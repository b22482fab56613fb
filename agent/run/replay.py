"""A run that goes on takes in what its earlier parts have recorded."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from medalist.agent import score as judge
from medalist.agent.experiment import Proposal, Record, noise_of
from medalist.agent.judging.ensemble import pool_of
from medalist.agent.proposals.feature_groups import ARM
from medalist.agent.search.session import Session
from medalist.leaderboard.ledger.schema import ExperimentRow
from medalist.pipelines.fitting.fold import Evaluation
from medalist.pipelines.pipeline import Pipeline


def replay(session: Session, rows: Sequence[ExperimentRow], *, exactly: bool) -> None:
    """Take in the rows of the ledger; nothing is written.

    `exactly` judges every experiment again in its turn, which takes as long as it took, and comes to the same where
    nothing depends on the clock. Otherwise verdicts are those that the rows tell, and the ensemble is selected once.
    """
    session.recall_floor()
    for row in rows:
        recipe = dict(row.pipeline)
        aside = recipe.pop("aside")
        session.worked_before = float(aside["at"])
        proposal = Proposal(Pipeline.from_dict(recipe), row.reason, row.parent, aside["arm"], aside["idea"])
        evaluation = None if row.artifact is None else _kept(session, row.number)
        if evaluation is None:
            record = Record(
                row.number,
                proposal,
                row.verdict,
                row.verdict_reason,
                seconds=row.seconds,
                error=row.error,
                early_loss=aside["early_loss"],
            )
        else:
            losses = tuple(aside["fold_losses"])
            if exactly:
                record = session.take_in(*session.scored(row.number, proposal, evaluation, row.seconds, losses))
            else:
                record = _as_told(session, proposal, evaluation, row, aside)
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


def _as_told(
    session: Session, proposal: Proposal, evaluation: Evaluation, row: ExperimentRow, aside: Mapping[str, Any]
) -> Record:
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
        fold_scores=[float("nan") if told is None else told for told in row.fold_scores],
        seconds=row.seconds,
        gain=(aside["gain"] or 0.0) * noise_of(session.records),
        fold_losses=tuple(aside["fold_losses"]),
        adopted=proposal.arm == ARM and row.verdict == "keep",
    )
    before = None if session.best is None else session.best.score
    if record.usable and record.score is not None and (before is None or record.score.loss < before.loss):
        session.best = record
    return record
