"""Replay: restores the state of a resumed run from what its earlier processes recorded."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace

from medalist.agent import score as scoring
from medalist.agent.experiment import Proposal, Record, noise_unit
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import best_of, scored
from medalist.agent.judging.champion import Leaders, candidates
from medalist.agent.judging.referee import Referee
from medalist.agent.records.journal import Journal
from medalist.leaderboard.ledger.rows import ExperimentRow
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.pipeline import Pipeline


def replay(journal: Journal, referee: Referee, rows: Sequence[ExperimentRow], *, exactly: bool) -> Leaders:
    """Restore the recorded experiments (`rows` of the ledger) into the journal, and return the incumbents that they
    give. Nothing is written.

    exactly: whether every experiment is judged again in its turn, so that the state is exactly that of a run which was
    not interrupted; this takes as long as judging took. Else verdicts are the recorded ones, and the ensemble is
    selected once.
    """
    leaders = Leaders(noise_floor=journal.noise_floor())
    for row in rows:
        journal.earlier_seconds = row.run_seconds
        proposal = Proposal(Pipeline.from_dict(row.pipeline), row.reason, row.parent, row.arm, row.idea)
        removed = row.artifact is not None and journal.predictions.score_of_removed(row.number) is not None
        evaluation = None if row.artifact is None or removed else _kept(journal, row.number)
        if evaluation is None:
            record = _without_predictions(journal, proposal, row)
        else:
            losses = _numbers(row.fold_losses)
            if exactly:
                judgement = referee.judge(
                    row.number, proposal, evaluation, row.seconds, losses, journal.records, leaders
                )
                record, leaders = judgement.record, judgement.leaders
            else:
                record = _recorded(referee, journal.records, proposal, evaluation, row)
            record = replace(record, keeps_fold_tests=journal.predictions.fold_tests_path(row.number).exists())
        journal.restore(record)
    if not exactly:
        leader = best_of(scored(journal.records))
        leaders = replace(leaders, best=None if leader is None else leader.number)
        members = _last_members(journal)
        if pool := candidates(journal.records, members):
            leaders = replace(leaders, champion=referee.select(pool, members))
    return leaders


def _last_members(journal: Journal) -> set[int]:
    """Numbers of the experiments that the last submission of an ensemble is made from."""
    ensembles = (s.made_from.get("ensemble") for s in reversed(journal.submissions()))
    return {int(number) for number in next(filter(None, ensembles), ())}


def _kept(journal: Journal, number: int) -> Evaluation | None:
    """The stored evaluation of an experiment; None, with a note, where the files cannot be read, as after a power
    cut."""
    try:
        return journal.predictions.load(number)
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        journal.note(f"The predictions of experiment {number} are lost ({error}).")
        return None


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    """The values with NaN in place of None, which the ledger stores for it."""
    return tuple(float("nan") if value is None else value for value in values)


def _without_predictions(journal: Journal, proposal: Proposal, row: ExperimentRow) -> Record:
    """The record of an experiment whose predictions were removed, to free the disk, or that never had any."""
    score = None if row.artifact is None else journal.predictions.score_of_removed(row.number)
    if score is None:
        return _failed(proposal, row)
    return Record(
        row.number,
        proposal,
        row.verdict,
        row.verdict_reason,
        score=score,
        fold_scores=_numbers(row.fold_scores),
        seconds=row.seconds,
        gain=(row.gain_in_noise or 0.0) * noise_unit(journal.records),
        fold_losses=_numbers(row.fold_losses),
        adopted=proposal.arm == ARM and row.verdict == "keep",
    )


def _failed(proposal: Proposal, row: ExperimentRow) -> Record:
    """The record of an experiment without predictions."""
    return Record(
        row.number,
        proposal,
        row.verdict,
        row.verdict_reason,
        seconds=row.seconds,
        error=row.error,
        early_loss=row.early_loss,
    )


def _recorded(
    referee: Referee,
    history: Sequence[Record],
    proposal: Proposal,
    evaluation: Evaluation,
    row: ExperimentRow,
) -> Record:
    """The record of an experiment with the recorded score and verdict; `history` are the experiments before it. Only
    the losses of its blocks are computed again."""
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
        fold_scores=_numbers(row.fold_scores),
        seconds=row.seconds,
        gain=(row.gain_in_noise or 0.0) * noise_unit(history),
        fold_losses=_numbers(row.fold_losses),
        adopted=proposal.arm == ARM and row.verdict == "keep",
    )
