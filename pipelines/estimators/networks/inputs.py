"""Inputs of neural networks for tables: numbers mapped to a normal distribution, and category levels from 0 on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.pipelines.estimators.base import FitRequest
from medalist.pipelines.estimators.preprocessing import (
    impute,
    is_out_of_range,
    level_positions,
    numeric_columns,
    text_components,
)

MAX_LEVELS = 64  # levels of a category, the most frequent ones; the others share level 0
COMPONENTS = 32  # columns that text is reduced to
MIN_MISSING = 0.005  # share of missing values, above which a number has an indicator of them
CLIP = 4.0  # standard deviations at which numbers are clipped


def _time_columns(parts: Sequence[np.ndarray]) -> list[int]:
    """Positions of the columns that are out of the training range in almost all validation or test rows.

    `parts` are the numbers (rows, d) of the training, the validation and the test rows.
    """
    train, *later = parts
    columns = range(train.shape[1])
    return [j for j in columns if any(len(m) and is_out_of_range(train[:, j], m[:, j]) for m in later)]


def _standardised(parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Columns (rows, d) clipped to the range of the first part, the training rows, and standardised by it."""
    low, high = parts[0].min(axis=0), parts[0].max(axis=0)
    deviation = np.maximum(parts[0].std(axis=0), 1e-12)
    return [(np.clip(p, low, high) - parts[0].mean(axis=0)) / deviation for p in parts]


def network_inputs(request: FitRequest) -> tuple[list[np.ndarray], list[np.ndarray], list[int]]:
    """Numbers (rows, d) float32 and category levels (rows, c) of the training, validation and test rows, and the number
    of levels of each category.

    Numbers are mapped to a normal distribution, with missing ones as the median and, where these are not rare, with
    indicators; text is reduced to components. Constant columns are left out. In a forecast, columns of time are
    standardised instead, with later rows clipped to the last time of training: otherwise these would be far from
    all others, and a network would extrapolate from the last training rows. Level 0 is for categories that are missing,
    rare or absent from the training rows.
    """
    from sklearn.preprocessing import QuantileTransformer

    matrices = (request.train, request.valid, request.test)
    categorical, numbers = list(request.train.categorical), numeric_columns(request.train)
    raw = [m.dense[:, numbers] for m in matrices]
    flagged = np.isnan(raw[0]).mean(axis=0) > MIN_MISSING
    filled = impute(raw)
    if request.train.sparse is not None and request.train.sparse.shape[1]:
        text = text_components(matrices, COMPONENTS, request.seed)
        filled = [np.hstack([f, t]) for f, t in zip(filled, text, strict=True)]
    if filled[0].shape[1]:
        quantiles = int(np.clip(len(filled[0]) // 30, 10, 1000))
        normal = QuantileTransformer(
            n_quantiles=min(quantiles, len(filled[0])), output_distribution="normal", random_state=request.seed
        ).fit(filled[0])
        time_columns = _time_columns([*raw[:2], raw[2][request.known_test]]) if request.problem.ahead else []
        standardised = _standardised([f[:, time_columns] for f in filled])
        filled = [np.clip(normal.transform(f), -CLIP, CLIP) if len(f) else f for f in filled]
        for f, s in zip(filled, standardised, strict=True):
            f[:, time_columns] = s
    filled = [np.hstack([f, np.isnan(r[:, flagged])]).astype(np.float32) for f, r in zip(filled, raw, strict=True)]
    varying = np.ptp(filled[0], axis=0) > 0
    codes: list[list[np.ndarray]] = [[], [], []]
    sizes = []
    for i in categorical:
        levels, counts = np.unique(request.train.dense[:, i], return_counts=True)
        present = ~np.isnan(levels)
        levels = np.sort(levels[present][np.argsort(-counts[present], kind="stable")[:MAX_LEVELS]])
        sizes.append(len(levels) + 1)
        for part, m in zip(codes, matrices, strict=True):
            part.append(level_positions(levels, m.dense[:, i]) + 1)
    empty = [np.zeros((len(m), 0), dtype=int) for m in matrices]
    columns = [np.column_stack(c) if c else e for c, e in zip(codes, empty, strict=True)]
    return [f[:, varying] for f in filled], columns, sizes
