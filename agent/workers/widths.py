"""How many columns a feature set makes: what the cost of a fit is guessed by."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.pipelines.features.language import registry
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.pipeline import Pipeline


def width_of(features: Sequence[str], outputs: int) -> int:
    """Columns that a feature set makes, for guessing costs."""
    return sum(registry.width_of(parse(f), outputs) for f in features)


def pipeline_width(pipeline: Pipeline, outputs: int) -> int:
    """Columns that a pipeline is fitted on, for guessing costs."""
    return width_of(pipeline.features, outputs) + len(pipeline.stacked) * outputs
