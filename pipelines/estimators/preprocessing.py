"""Preprocessing that several estimators share: imputation, components of text, columns that cannot be learned from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medalist.pipelines.features.matrix import Matrix

BEYOND = 0.95  # share of the later rows that lie beyond all training rows


def informative(matrix: Matrix) -> bool:
    """Whether any dense column has more than one value, a missing one being a value too."""
    for column in matrix.dense.T:
        if len(column) and ((column != column[0]) & ~(np.isnan(column) & np.isnan(column[0]))).any():
            return True
    return False


def impute(matrices: list[np.ndarray]) -> list[np.ndarray]:
    """Missing values replaced by the medians of the first matrix; in columns that are all missing by 0."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        centre = np.nan_to_num(np.nanmedian(matrices[0], axis=0) if len(matrices[0]) else 0.0)
    return [np.where(np.isnan(m), centre, m).astype(np.float32) for m in matrices]


def text_components(matrices: Sequence[Matrix], most: int, seed: int) -> list[np.ndarray]:
    """The sparse blocks as at most `most` dense columns each: latent semantic analysis (Deerwester et al., 1990),
    fitted on the first matrix."""
    from sklearn.decomposition import TruncatedSVD

    first = matrices[0].sparse
    size = min(most, min(first.shape) - 1)
    if size < 1:
        return [np.asarray(m.sparse.todense(), dtype=np.float32) for m in matrices]
    reduce = TruncatedSVD(size, n_iter=3, random_state=seed).fit(first)
    width = reduce.components_.shape[0]
    return [(reduce.transform(m.sparse) if len(m) else np.zeros((0, width))).astype(np.float32) for m in matrices]


def beyond(train: np.ndarray, later: np.ndarray) -> bool:
    """Whether almost all of a number's later values (k,) lie beyond all of train's (n,), on one side."""
    known, asked = train[~np.isnan(train)], later[~np.isnan(later)]
    if not len(known) or len(asked) < BEYOND * len(later) or not len(asked):
        return False
    return bool((asked > known.max()).mean() >= BEYOND or (asked < known.min()).mean() >= BEYOND)
