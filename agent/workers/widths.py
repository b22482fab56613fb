"""Estimated numbers of matrix columns (widths) of feature sets and pipelines, for the cost model."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.pipelines.features.language import registry
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.pipeline import Pipeline


def width_of(features: Sequence[str], outputs: int) -> int:
    """Estimated number of matrix columns of a feature set; `outputs` is the width W of a prediction."""
    return sum(registry.width_of(parse(f), outputs) for f in features)


def pipeline_width(pipeline: Pipeline, outputs: int) -> int:
    """Estimated number of matrix columns that a pipeline is fitted on, those of stacked predictions included."""
    return width_of(pipeline.features, outputs) + len(pipeline.stacked) * outputs
