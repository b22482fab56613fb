"""By how much a leaderboard is expected to differ from an honest estimate, in standard deviations.

The estimate's standard error se is over r rows of training data; a score on m test rows of the same kind varies with
se · sqrt(r / m), since the variance of a mean falls with the number of rows. The two are of different rows, hence

    sd = se · sqrt(1 + r / m),

with m the rows of the public part, or of the private one. Effects of a fit on all rows, and of the choice of the best
of many, are left out: they are what the comparison is to show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PUBLIC_SHARE = 0.3  # of the test rows, where it is not known: Kaggle's have been 20 to 50 %


def expected_noise(
    standard_error: float | None, rows: int | None, test_rows: int, public_share: float | None
) -> tuple[float, float] | None:
    """Standard deviations of the difference between estimate and leaderboard: of the public and of the private part.

    rows: of the training data that the estimate is from; None where not known, and as many as test rows are assumed.
    None without a standard error or test rows.
    """
    if not standard_error or not math.isfinite(standard_error) or test_rows < 1:
        return None
    share = public_share if public_share is not None and 0 < public_share < 1 else PUBLIC_SHARE
    r = rows or test_rows

    def deviation(part: float) -> float:
        return standard_error * math.sqrt(1 + r / max(1.0, part * test_rows))

    return deviation(share), deviation(1 - share)


def evaluated_rows(folder: Path, made_from: Mapping[str, Any]) -> int | None:
    """Number of training rows with out-of-fold predictions, by those of the experiments that a submission is made of;
    None where they are gone."""
    import numpy as np

    for number in made_from.get("ensemble") or {}:
        try:
            return int(np.load(folder / "predictions" / f"{number}.oof.npy", mmap_mode="r").shape[0])
        except (OSError, ValueError, EOFError):
            continue
    return None
