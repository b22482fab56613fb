"""What the close of a run fitted for the last submission, as the lineage records it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medalist.agent.records.lineage import folds_document
from medalist.agent.search.fresh_folds import Draw
from medalist.pipelines.fitting.evaluation import Evaluation
from medalist.pipelines.hashing import array_hash


def made_by_draws(draws: Sequence[Draw]) -> dict[str, Any]:
    """The draws of fresh folds: how each was drawn, which fits were finished and how, and the hash of each member's
    mean test predictions (m, W)."""
    return {
        "draws": [
            folds_document(draw.folds)
            | {
                "fits": {n: {k: fit.as_dict() for k, fit in fits.items()} for n, fits in draw.records.items()},
                "tests": {n: array_hash(test) for n, (_, test) in draw.tests.items()},
            }
            for draw in draws
        ]
    }


def made_by_refits(refits: Mapping[int, Evaluation]) -> dict[str, Any]:
    """The fits on all rows: how each was made, and the hash of its test predictions (m, W)."""
    return {
        "refits": {n: e.records[0].as_dict() | {"test": array_hash(e.test)} for n, e in refits.items()},
    }
