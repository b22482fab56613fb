"""Ledger rows of features: those that were forced, proposed by a screening, and tested."""

from __future__ import annotations

from collections.abc import Iterable

from medalist.agent.experiment import Record
from medalist.agent.feature_ideas import step_of
from medalist.agent.judging.feature_trials import FeatureTrial
from medalist.leaderboard.ledger.rows import FeatureRow
from medalist.leaderboard.ledger.schema import FeatureStatus
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult


def forced_rows(steering: Steering, schema: Schema) -> list[FeatureRow]:
    """Rows of the features that a person forced."""
    return [
        FeatureRow(text=text, shape=_shape(text, schema), step=0, status="forced", reason="in every feature set")
        for text in steering.force
    ]


def rows_of_screening(result: ScreenResult, schema: Schema) -> list[FeatureRow]:
    """Rows of what a screening proposes, and of what passed it but repeats something else. Gains are shares of the
    residual's variance."""
    statuses: tuple[tuple[FeatureStatus, Iterable], ...] = (
        ("candidate", (*result.picks, *result.used)),
        ("redundant", result.redundant),
    )
    return [
        FeatureRow(
            text=found.text,
            shape=_shape(found.text, schema),
            step=result.step,
            status=status,
            gain=found.gain,
            standard_error=found.error,
            unit="residual",
            reason=found.reason,
        )
        for status, candidates in statuses
        for found in candidates
    ]


def rows_of_trial(record: Record, trial: FeatureTrial, schema: Schema) -> list[FeatureRow]:
    """Rows of a tested group: each feature that it added, and where it was adopted each that it removed, with the gain
    in loss of the whole group over the incumbent feature set."""
    if trial.incumbent is None:
        return []
    before, after = trial.incumbent.pipeline.features, record.pipeline.features
    gain, noise = (None, None) if trial.change is None else (trial.change.gain, trial.change.standard_error)
    changes: list[tuple[FeatureStatus, list[str]]] = [
        ("kept" if record.adopted else "dropped", [f for f in after if f not in before])
    ]
    if record.adopted:
        changes.append(("removed", [f for f in before if f not in after]))
    return [
        FeatureRow(
            text=text,
            shape=_shape(text, schema),
            step=step_of(record.idea or "0"),
            status=status,
            gain=gain,
            standard_error=noise,
            unit="loss",
            experiment=record.number,
            reason=trial.reason,
        )
        for status, texts in changes
        for text in texts
    ]


def _shape(text: str, schema: Schema) -> str:
    return shape_of(parse(text), schema.kinds)
