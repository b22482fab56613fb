"""Matrix: the design matrix that an estimator is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """Inputs of an estimator: dense columns (n, k) float32 and, for text features, a sparse block (n, m) with the same
    rows.

    names: (k,) of the dense columns: a feature's text, or `text[i]` for the i-th of several columns of it.
    categorical: positions of the columns that hold category codes 0, 1, ….

    Missing values of dense columns are NaN. Matrices with equal non-empty tokens are equal.
    """

    dense: np.ndarray
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    sparse: Any = None  # scipy CSR (n, m) or None
    sparse_widths: tuple[int, ...] = ()  # columns of each sparse feature
    token: str = ""  # identifies features, rows and the target that they were fitted on; "" where unknown

    def __len__(self) -> int:
        return len(self.dense)
