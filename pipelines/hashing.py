"""Hashes of arrays by their contents: SHA-256 over type, shape and values."""

from __future__ import annotations

import hashlib

import numpy as np

SAMPLED_ROWS = 4096  # rows of a matrix that `sample_hash` looks at, evenly spaced
DIGITS = 16  # hexadecimal digits of a `sample_hash`


def array_hash(*arrays: np.ndarray) -> str:
    """The SHA-256, in hex, of arrays of any shape: of each its type, its shape and its values row by row."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def sample_hash(*arrays: np.ndarray) -> str:
    """DIGITS hexadecimal digits for arrays of many rows, (n, …) each: their shapes and SAMPLED_ROWS of their rows."""
    parts = []
    for array in arrays:
        rows = np.unique(np.linspace(0, max(0, len(array) - 1), min(len(array), SAMPLED_ROWS)).astype(int))
        parts += [np.array(array.shape), array[rows]]
    return array_hash(*parts)[:DIGITS]
