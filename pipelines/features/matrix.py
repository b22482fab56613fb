"""Matrix: the inputs of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """Inputs of an estimator: dense numbers (n, k) float32 and, where text is used, a sparse block beside them.

    names: (k,) of the dense columns: a feature's text, or `text[i]` for the i-th of several columns of it.
    categorical: positions of the columns that hold category codes 0, 1, ….

    Missing values are NaN everywhere. Matrices with equal tokens are equal.
    """

    dense: np.ndarray
    names: tuple[str, ...]
    categorical: tuple[int, ...]
    sparse: Any = None  # scipy CSR (n, m) or None
    sparse_widths: tuple[int, ...] = ()  # columns of each sparse feature
    token: str = ""  # identifies features, rows and the target that they were fitted on; "" where nothing does

    def __len__(self) -> int:
        return len(self.dense)
