"""How many columns a feature set makes: what the cost of a fit is guessed by."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.pipelines.features.language.expression import Feature, parse
from medalist.pipelines.features.operators import operator_of
from medalist.pipelines.pipeline import Pipeline

WIDTHS = {"tfidf": 300, "char_tfidf": 1500, "text_shape": 6, "row_repeats": 3}


def width_of(features: Sequence[str], outputs: int) -> int:
    """Columns that a feature set makes, for guessing costs."""
    return sum(_width_of(parse(f), outputs) for f in features)


def pipeline_width(pipeline: Pipeline, outputs: int) -> int:
    """Columns that a pipeline is fitted on, for guessing costs."""
    return width_of(pipeline.features, outputs) + len(pipeline.stacked) * outputs


def _width_of(feature: Feature, outputs: int) -> int:
    if feature.op in WIDTHS:
        return WIDTHS[feature.op]
    if operator_of(feature).gives != "numbers":
        return 1
    if operator_of(feature).kind == "supervised":
        return outputs
    last = feature.args[-1] if feature.args else 1
    return last if isinstance(last, int) else len(feature.args)
