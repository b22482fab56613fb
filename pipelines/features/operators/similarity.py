"""Similarity of two texts of a row."""

from __future__ import annotations

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np
from medalist.pipelines.features.operators.text import normalised

MEASURES = ("shared words", "words of the shorter one", "cosine")
MOST_WORDS = 200_000  # words that are compared, at most: the most frequent ones


def similarity(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, 3): share of the words of both that they share (Jaccard), of those of the shorter one, TF-IDF cosine."""
    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    texts = [frame.text(node) for node in feature.args]
    n, missing = frame.n, np.zeros(frame.n, dtype=bool)
    for of_column in texts:
        missing |= np.array([t is None for t in of_column], dtype=bool)
    counter = CountVectorizer(token_pattern=r"\w+", strip_accents="unicode", max_features=MOST_WORDS, dtype=np.float32)
    rows = frame.fitted_rows
    documents = [normalised(t) for of_column in texts for t in of_column]
    fitted = np.concatenate([np.arange(n)[rows], n + np.arange(n)[rows]])
    try:
        if isinstance(rows, slice):
            counts = counter.fit_transform(documents).tocsr()
        else:
            counts = counter.fit([documents[i] for i in fitted]).transform(documents).tocsr()
    except ValueError:  # no words at all
        counts = sparse.csr_matrix((2 * n, 1), dtype=np.float32)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts if isinstance(rows, slice) else counts[fitted])
    weighted = weighting.transform(counts)
    counts.data[:] = 1.0
    shared = _row_sums(counts[:n].multiply(counts[n:]))
    first, second = _row_sums(counts[:n]), _row_sums(counts[n:])
    out = np.column_stack(
        [
            shared / np.maximum(first + second - shared, 1),
            shared / np.maximum(np.minimum(first, second), 1),
            _row_sums(weighted[:n].multiply(weighted[n:])),
        ]
    )
    out[missing] = np.nan
    return out


def _row_sums(matrix: object) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).ravel()  # type: ignore[attr-defined]


OPERATORS = {
    "similarity": Operator(
        "transductive",
        ("text", "text"),
        "numbers",
        similarity,
        "similarity of {0} and {1}",
        "similarity(note, cabin)",
        symmetric=True,
        width=len(MEASURES),
    ),
}
