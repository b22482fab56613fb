"""The search for features in a run that is late: when it is time for another screening, and what that explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.agent.experiment import Record, noise_unit
from medalist.agent.feature_ideas import ARM
from medalist.agent.history import best_of_families
from medalist.pipelines.estimators.registry import FAMILIES

LEAST_LEFT = 0.1  # share of the budget left below which no features are searched for: what is found is to be used
PAUSE = 16  # finished experiments, without tests of features, between two screenings that lead to nothing
NEAR = 2.0  # noise units behind the leading family, within which a family's best model is among the leading ones


def due(history: Sequence[Record], since: int, fruitless: int) -> bool:
    """Whether enough has been tried for another screening. since: the number of the last experiment that added features
    to the incumbent set; fruitless: screenings since then. Tests of features do not count."""
    later = sum(r.verdict != "running" and r.number > since and r.arm != ARM for r in history)
    return later > PAUSE * fruitless


def leading(history: Sequence[Record]) -> np.ndarray | None:
    """(r, W) the mean of the out-of-fold predictions of the families' best models, those left out that are far behind:
    what they leave unexplained is no weakness of one family. None where there are none."""
    unit = noise_unit(history)
    bests = best_of_families(history, list(FAMILIES)).values()
    models = [(r.score.loss, r.evaluation.oof) for r in bests if r.score is not None and r.evaluation is not None]
    if not models:
        return None
    least = min(loss for loss, _ in models)
    return np.asarray(np.mean([oof for loss, oof in models if loss <= least + NEAR * unit], axis=0))
