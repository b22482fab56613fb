"""What the ledger is told of features: those that were forced, found and tested."""

from __future__ import annotations

from medalist.agent.experiment import Record
from medalist.agent.proposals.feature_groups import step_of
from medalist.agent.score import Comparison
from medalist.leaderboard.ledger.rows import FeatureRow
from medalist.leaderboard.ledger.schema import FeatureStatus, GainUnit
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.shapes import shape_of
from medalist.pipelines.features.language.steering import Steering
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.step import ScreenResult


def forced_rows(steering: Steering, schema: Schema) -> list[FeatureRow]:
    """What the ledger keeps of the features that a person forced."""
    return [_row(f, 0, "forced", None, None, "loss", None, "in every feature set", schema) for f in steering.force]


def rows_of_step(result: ScreenResult, schema: Schema) -> list[FeatureRow]:
    """What the ledger keeps of a screening: its candidates and what was redundant."""
    rows = [
        _row(f.text, result.step, "candidate", f.gain, f.error, "residual", None, f.reason, schema)
        for f in (*result.picks, *result.used)
    ]
    return rows + [
        _row(f.text, result.step, "redundant", f.gain, f.error, "residual", None, f.reason, schema)
        for f in result.redundant
    ]


def rows_of_test(
    record: Record, incumbent: Record | None, change: Comparison | None, words: str, schema: Schema
) -> list[FeatureRow]:
    """What the ledger keeps of a tested group: each of its features with the gain of the group over the incumbent."""
    if incumbent is None:
        return []
    had, has = set(incumbent.pipeline.features), set(record.pipeline.features)
    gain, noise = (None, None) if change is None else (change.gain, change.noise)
    step = step_of(record.idea or "0")
    status: FeatureStatus = "kept" if record.adopted else "dropped"
    rows = [
        _row(f, step, status, gain, noise, "loss", record.number, words, schema)
        for f in record.pipeline.features
        if f not in had
    ]
    if record.adopted:
        rows += [
            _row(f, step, "removed", gain, noise, "loss", record.number, words, schema)
            for f in incumbent.pipeline.features
            if f not in has
        ]
    return rows


def _row(
    text: str,
    step: int,
    status: FeatureStatus,
    gain: float | None,
    error: float | None,
    unit: GainUnit,
    experiment: int | None,
    reason: str,
    schema: Schema,
) -> FeatureRow:
    return FeatureRow(
        text=text,
        shape=shape_of(parse(text), schema.kinds),
        step=step,
        status=status,
        gain=gain,
        standard_error=error,
        unit=unit,
        experiment=experiment,
        reason=reason,
    )
