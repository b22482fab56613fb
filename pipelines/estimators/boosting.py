"""What the gradient boosting families share: how many rounds, how patient early stopping is, importance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.pipelines.estimators.base import FitRequest

MAX_ROUNDS = 10_000  # boosting rounds, where early stopping, earlier fits or the deadline do not end it before


def rounds_to_run(request: FitRequest, rounds: int) -> int:
    """Rounds to boost: the parameter's where validation targets can stop it early, else those of the request."""
    if request.y_valid is not None or request.rounds is None:
        return rounds
    return max(1, request.rounds)


def patience(learning_rate: float, *, travel: float = 5.0, most: int = 200) -> int:
    """Rounds without a better validation loss after which boosting stops: as many as travel that far (the sum of their
    learning rates), from 20 to `most`."""
    return int(min(most, max(20, travel / learning_rate)))


def importance_shares(names: Sequence[str], gains: np.ndarray) -> dict[str, float]:
    """Each column's share of the total gain (d,), rounded to five digits."""
    return dict(zip(names, (gains / max(gains.sum(), 1e-12)).round(5).tolist(), strict=True))
