"""Experiments and screenings as ledger rows and as events, in plain values."""

from __future__ import annotations

from typing import Any

from medalist.agent.experiment import Record
from medalist.pipelines.features.search.step import ScreenResult


def experiment_row(record: Record, gain: float | None, at: float, artifact: str | None) -> dict[str, Any]:
    """The ledger's columns of an experiment.

    gain: what the ensemble gained, in units of the noise; at: seconds of work of the run so far; artifact: the name of
    the file of its predictions.
    """
    aside = {
        "arm": record.arm,
        "idea": record.idea,
        "gain": gain,
        "early_loss": record.early_loss,
        "fold_losses": list(record.fold_losses),
        "at": round(at, 2),
    }
    return {
        "number": record.number,
        "pipeline": record.pipeline.as_dict() | {"aside": aside},
        "pipeline_hash": record.pipeline.hash,
        "family": record.pipeline.family,
        "reason": record.proposal.reason,
        "parent": record.proposal.parent,
        "verdict": record.verdict,
        "verdict_reason": record.verdict_reason,
        **_score(record),
        "fold_scores": list(record.fold_scores),
        "seconds": record.seconds,
        "fit_seconds": 0.0 if record.evaluation is None else record.evaluation.fit_seconds,
        "error": record.error,
        "artifact": artifact,
    }


def experiment_event(record: Record) -> dict[str, Any]:
    """The event that tells of an experiment's end."""
    return {
        "event": "experiment",
        "number": record.number,
        "family": record.pipeline.family,
        "reason": record.proposal.reason,
        "verdict": record.verdict,
        "verdict_reason": record.verdict_reason,
        **_score(record),
        "seconds": round(record.seconds, 2),
        "error": record.error,
    }


def _score(record: Record) -> dict[str, float | None]:
    score = record.score
    return {
        "score": None if score is None else score.value,
        "standard_error": None if score is None else score.standard_error,
    }


def screening_event(result: ScreenResult) -> dict[str, Any]:
    """The event that tells of a screening for features."""
    return {
        "event": "screening",
        "step": result.step,
        "screened": result.screened,
        "explaining": [f.text for f in result.picks],
        "used_by_trees": [f.text for f in result.used],
        "idle": list(result.idle),
        "seconds": result.seconds,
    }
