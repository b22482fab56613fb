"""Experiments and screenings as ledger rows and as events (JSON-like dictionaries for displays and the log)."""

from __future__ import annotations

from typing import Any

from medalist.agent.experiment import Record
from medalist.leaderboard.ledger.rows import ExperimentRow
from medalist.pipelines.features.search.step import ScreenResult


def experiment_row(record: Record, gain: float | None, at: float, artifact: str | None) -> ExperimentRow:
    """The ledger's row of an experiment.

    gain: by how much it lowered the ensemble's loss, in units of `experiment.noise_unit`; None where that is unknown.
    at: seconds of work on the run so far. artifact: name of the file of its predictions; None where it has none.
    """
    return ExperimentRow(
        number=record.number,
        pipeline=record.pipeline.as_dict(),
        pipeline_hash=record.pipeline.hash,
        family=record.pipeline.family,
        reason=record.proposal.reason,
        parent=record.proposal.parent,
        verdict=record.verdict,
        verdict_reason=record.verdict_reason,
        score=None if record.score is None else record.score.value,
        standard_error=None if record.score is None else record.score.standard_error,
        fold_scores=tuple(record.fold_scores),
        seconds=record.seconds,
        fit_seconds=0.0 if record.evaluation is None else record.evaluation.fit_seconds,
        error=record.error,
        artifact=artifact,
        arm=record.arm,
        idea=record.idea,
        gain_in_noise=gain,
        early_loss=record.early_loss,
        fold_losses=tuple(record.fold_losses),
        run_seconds=round(at, 2),
    )


def experiment_event(record: Record, gain: float | None) -> dict[str, Any]:
    """The event "experiment", emitted when one has ended; gain: as of `experiment_row`."""
    return {
        "event": "experiment",
        "number": record.number,
        "family": record.pipeline.family,
        "reason": record.proposal.reason,
        "verdict": record.verdict,
        "verdict_reason": record.verdict_reason,
        **_score(record),
        "gain_in_noise": gain,
        "seconds": round(record.seconds, 2),
        "error": record.error,
    }


def _score(record: Record) -> dict[str, float | None]:
    """The score and its standard error; None where the experiment has none."""
    score = record.score
    return {
        "score": None if score is None else score.value,
        "standard_error": None if score is None else score.standard_error,
    }


def screening_event(result: ScreenResult) -> dict[str, Any]:
    """The event "screening", emitted when a screening for features has ended."""
    return {
        "event": "screening",
        "step": result.step,
        "screened": result.screened,
        "explaining": [f.text for f in result.picks],
        "used_by_trees": [f.text for f in result.used],
        "idle": list(result.idle),
        "seconds": result.seconds,
    }
