"""Features as ledger rows: those that a person forced, that a screening proposed, and that were tested."""

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
    """A row for each feature that a person wants in every feature set."""
    return [
        FeatureRow(text=text, shape=_shape(text, schema), step=0, status="forced", reason="in every feature set")
        for text in steering.force
    ]


def rows_of_screening(result: ScreenResult, schema: Schema) -> list[FeatureRow]:
    """A row for each feature that a screening proposes ("candidate"), and for each that passed it but is redundant.
    Gains are shares of the residual's variance."""
    statuses: tuple[tuple[FeatureStatus, Iterable], ...] = (
        ("candidate", (*result.picks, *result.used)),
        ("redundant", result.redundant),
    )
    return [
        FeatureRow(
            text=feature.text,
            shape=_shape(feature.text, schema),
            step=result.step,
            status=status,
            gain=feature.gain,
            standard_error=feature.error,
            unit="residual",
            reason=feature.reason,
        )
        for status, features in statuses
        for feature in features
    ]


def rows_of_trial(record: Record, trial: FeatureTrial, schema: Schema) -> list[FeatureRow]:
    """A row for each feature that a finished test added, and where the change was adopted for each that it removed. The
    gain in each row is that of the whole group: by how much its loss is less than the incumbent feature set's."""
    if trial.incumbent is None:
        return []
    before, after = trial.incumbent.pipeline.features, record.pipeline.features
    gain, noise = (None, None) if trial.comparison is None else (trial.comparison.gain, trial.comparison.standard_error)
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
    """The expression with its columns replaced by their kinds, such as `number / number`."""
    return shape_of(parse(text), schema.kinds)
