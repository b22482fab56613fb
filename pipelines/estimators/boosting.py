"""Shared by the gradient boosting families: number of rounds, patience of early stopping, importance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.pipelines.estimators.base import FitRequest

MAX_ROUNDS = 10_000  # boosting rounds, at most: early stopping, given rounds or the deadline usually end a fit before


def rounds_to_run(request: FitRequest, rounds: int) -> int:
    """The number of boosting rounds: the parameter's `rounds` with early stopping, or where the request gives no
    number; else the request's."""
    if request.y_valid is not None or request.rounds is None:
        return rounds
    return max(1, request.rounds)


def patience(learning_rate: float, *, travel: float = 5.0, most: int = 200) -> int:
    """The patience of early stopping in rounds: `travel` / learning rate, clipped to 20 … `most`."""
    return int(min(most, max(20, travel / learning_rate)))


def importance_shares(names: Sequence[str], gains: np.ndarray) -> dict[str, float]:
    """Each column's share of the total of `gains` (d,), by name, rounded to five digits."""
    return dict(zip(names, (gains / max(gains.sum(), 1e-12)).round(5).tolist(), strict=True))
