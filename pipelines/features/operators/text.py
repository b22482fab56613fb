"""Features of text: its shape, TF-IDF, and the leading components of TF-IDF."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.language.expression import Feature, Node
from medalist.pipelines.features.language.operator import Operator
from medalist.pipelines.features.lazy import np
from medalist.pipelines.features.operators.strings import distinct

if TYPE_CHECKING:
    from scipy import sparse

SHAPE = ("characters", "words", "capitals", "digits", "marks", "mean word length")
_BATCH = 20_000  # texts whose characters are counted at a time
_CAPITAL, _DIGIT, _MARK, _BLANK = 1, 2, 4, 8
_ADDRESS = re.compile(r"(?:https?://|www\.)([^\s/?#]+)\S*", re.IGNORECASE)
MOST_CHARACTERS = {"word": 80_000_000, "char_wb": 40_000_000}  # of a column, at most; longer texts are cut


def shape(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, 6): characters, words, shares of capitals, digits and punctuation, mean length of a word."""
    codes, texts = distinct(frame, feature.args[0])
    out = np.zeros((len(texts) + 1, len(SHAPE)))  # the last row is that of a missing text
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        out[start : start + len(batch)] = _shapes(batch)
    return out[codes]


def _shapes(texts: list[str]) -> np.ndarray:
    # one pass over the characters of all texts; each text is preceded by a blank, which is not counted
    characters = np.frombuffer(" ".join(["", *texts]).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(t) for t in texts])
    starts = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
    kind_of = np.zeros(int(characters.max()) + 1, dtype=np.uint8)
    there = np.zeros(len(kind_of), dtype=bool)
    there[characters] = True
    for c in np.flatnonzero(there):
        kind_of[c] = _kind(chr(c))
    kinds = kind_of[characters]
    blank = kinds & _BLANK > 0
    begins = ~blank
    begins[1:] &= blank[:-1]
    words, letters, capitals, digits, marks = (
        np.add.reduceat(flags, starts, dtype=np.int64)
        for flags in (begins, ~blank, kinds & _CAPITAL > 0, kinds & _DIGIT > 0, kinds & _MARK > 0)
    )
    some = np.maximum(lengths, 1)
    return np.column_stack(
        [lengths, words, capitals / some, digits / some, marks / some, letters / np.maximum(words, 1)]
    )


def _kind(c: str) -> int:
    mark = not (c.isalnum() or c.isspace())
    return _CAPITAL * c.isupper() | _DIGIT * c.isdigit() | _MARK * mark | _BLANK * c.isspace()


def tfidf(frame: Frame, feature: Feature) -> sparse.csr_matrix:
    """TF-IDF of words and pairs of words; sublinear, at most 60,000 terms that occur twice or more.

    The vocabulary and the document frequencies come from train and test rows, without the target. Of web addresses
    the host alone is read.
    """
    return _tfidf(frame, feature, ngram_range=(1, 2), token_pattern=r"\w+", min_df=2)


def char_tfidf(frame: Frame, feature: Feature) -> sparse.csr_matrix:
    """TF-IDF of runs of 2 to 5 characters within words; sublinear, at most 60,000 runs in three rows or more."""
    return _tfidf(frame, feature, analyzer="char_wb", ngram_range=(2, 5), min_df=3)


def _tfidf(frame: Frame, feature: Feature, **options: Any) -> sparse.csr_matrix:
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        sublinear_tf=True, max_features=60_000, strip_accents="unicode", dtype=np.float32, **options
    )
    fitted = frame.fitted_rows
    documents = [normalised(text) for text in frame.text(feature.args[0])]
    documents = _beginnings(documents, MOST_CHARACTERS[options.get("analyzer", "word")], fitted)
    try:
        if isinstance(fitted, slice):
            return vectorizer.fit_transform(documents).tocsr()
        return vectorizer.fit([documents[i] for i in fitted]).transform(documents).tocsr()
    except ValueError:  # no term occurs often enough
        return sparse.csr_matrix((len(documents), 1), dtype=np.float32)


def normalised(text: str | None) -> str:
    """A text as TF-IDF reads it: HTML entities as characters, web addresses as their hosts; "" where missing."""
    if text is None:
        return ""
    return _ADDRESS.sub(r" \1 ", html.unescape(text))


def _beginnings(documents: list[str], most: int, fitted: Any = slice(None)) -> list[str]:
    """The texts, cut to the length at which those at the positions `fitted` have together at most `most` characters."""
    lengths = np.sort(np.array([len(d) for d in documents], dtype=np.int64)[fitted])
    if lengths.sum() <= most:
        return documents
    kept = np.cumsum(lengths) + lengths * np.arange(len(lengths) - 1, -1, -1)  # characters, if cut to each length
    place = int(np.searchsorted(kept, most))
    before = int(lengths[:place].sum())
    limit = (most - before) // (len(lengths) - place)
    return [d[:limit] for d in documents]


def sparse_argument(frame: Frame, node: Node, within: Feature) -> sparse.csr_matrix:
    """(n, k) the values of a sparse feature that is an argument of the feature `within`, computed once for all features
    that use it. PipelineError where the argument is no sparse feature."""
    from scipy import sparse

    if isinstance(node, Feature):
        matrix = frame.sparse(node)
        if sparse.issparse(matrix):
            return matrix
    raise PipelineError(f"{node} is no sparse feature in {within}: write one such as tfidf(column).")


def svd(frame: Frame, feature: Feature) -> np.ndarray:
    """(n, components): leading components of a sparse feature (latent semantic analysis, Deerwester et al., 1990)."""
    from sklearn.decomposition import TruncatedSVD

    matrix = sparse_argument(frame, feature.args[0], feature)
    whole = isinstance(frame.fitted_rows, slice)
    fitted = matrix if whole else matrix[frame.fitted_rows]
    components = max(1, min(int(feature.args[1]), fitted.shape[1] - 1, fitted.shape[0] - 1))  # type: ignore[arg-type]
    if fitted.shape[1] < 2 or fitted.nnz == 0:
        return np.zeros((matrix.shape[0], 1))
    model = TruncatedSVD(components, random_state=0, n_iter=3)
    return model.fit_transform(matrix) if whole else model.fit(fitted).transform(matrix)


OPERATORS = {
    "text_shape": Operator(
        "stateless",
        ("text",),
        "numbers",
        shape,
        "length, number of words and kinds of characters of {0}",
        "text_shape(note)",
        width=len(SHAPE),
    ),
    "tfidf": Operator("transductive", ("text",), "sparse", tfidf, "weighted words of {0}", "tfidf(note)", width=300),
    "char_tfidf": Operator(
        "transductive",
        ("text",),
        "sparse",
        char_tfidf,
        "weighted runs of characters of {0}",
        "char_tfidf(note)",
        width=1500,
    ),
    "svd": Operator(
        "transductive",
        ("sparse", "whole"),
        "numbers",
        svd,
        "{1} leading components of the {0}",
        "svd(tfidf(note), 4)",
    ),
}
