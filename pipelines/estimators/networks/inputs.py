"""What networks for tables learn from: numbers mapped to a normal distribution, and the levels of categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.preprocessing import beyond, impute, text_components

LEVELS = 64  # of a category, the commonest; the rest are alike
COMPONENTS = 32  # of text


def _clocks(parts: Sequence[np.ndarray]) -> list[int]:
    """Numbers that in almost all validation or test rows lie beyond all training rows."""
    train, *others = parts
    return [j for j in range(train.shape[1]) if any(len(m) and beyond(train[:, j], m[:, j]) for m in others)]


def _standardised(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """(rows, d) by the mean and the deviation of the first, the training rows, and within their range."""
    low, high = parts[0].min(axis=0), parts[0].max(axis=0)
    spread = np.maximum(parts[0].std(axis=0), 1e-12)
    return [(np.clip(p, low, high) - parts[0].mean(axis=0)) / spread for p in parts]


def design(request: FitRequest) -> tuple[list[np.ndarray], list[np.ndarray], list[int]]:
    """Numbers (rows, d) float32 and categories (rows, c) of the training, validation and test rows, and how many
    levels each category has.

    Numbers are mapped to a normal distribution, gaps filled with the median and, where they are not rare, flagged; text
    is reduced to directions. Of a forecast those that tell the time are standardised, the rows ahead standing where the
    last of training do: in a normal distribution that is far from all others, and a network would carry what its last
    rows say on and on. Level 0 is of categories that are missing, rare or unknown to the training rows.
    """
    from sklearn.preprocessing import QuantileTransformer

    matrices = (request.train, request.valid, request.test)
    categorical = list(request.train.categorical)
    numbers = [i for i in range(request.train.dense.shape[1]) if i not in set(categorical)]
    raw = [m.dense[:, numbers] for m in matrices]
    gaps = np.isnan(raw[0]).mean(axis=0) > 0.005
    filled = impute(raw)
    if request.train.sparse is not None and request.train.sparse.shape[1]:
        text = text_components(matrices, COMPONENTS, request.seed)
        filled = [np.hstack([f, t]) for f, t in zip(filled, text, strict=True)]
    if filled[0].shape[1]:
        marks = int(np.clip(len(filled[0]) // 30, 10, 1000))
        normal = QuantileTransformer(
            n_quantiles=min(marks, len(filled[0])), output_distribution="normal", random_state=request.seed
        ).fit(filled[0])
        clocks = _clocks(raw) if request.problem.ahead else []
        scaled = _standardised([f[:, clocks] for f in filled])
        filled = [np.clip(normal.transform(f), -4, 4) if len(f) else f for f in filled]
        for f, s in zip(filled, scaled, strict=True):
            f[:, clocks] = s
    filled = [np.hstack([f, np.isnan(r[:, gaps])]).astype(np.float32) for f, r in zip(filled, raw, strict=True)]
    varying = np.ptp(filled[0], axis=0) > 0
    codes: list[list[np.ndarray]] = [[], [], []]
    sizes = []
    for i in categorical:
        known, counts = np.unique(request.train.dense[:, i], return_counts=True)
        real = ~np.isnan(known)
        known = np.sort(known[real][np.argsort(-counts[real], kind="stable")[:LEVELS]])
        sizes.append(len(known) + 1)
        for part, m in zip(codes, matrices, strict=True):
            at = np.searchsorted(known, m.dense[:, i]).clip(max=max(0, len(known) - 1))
            part.append(np.where(known[at] == m.dense[:, i], at + 1, 0) if len(known) else np.zeros(len(m), dtype=int))
    empty = [np.zeros((len(m), 0), dtype=int) for m in matrices]
    levels = [np.column_stack(c) if c else e for c, e in zip(codes, empty, strict=True)]
    return [f[:, varying] for f in filled], levels, sizes
