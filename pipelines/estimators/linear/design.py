"""Design matrices of linear models: blocks of standardised numbers, one-hot categories and text, and what each weighs.

One penalty for all columns suits columns of one sort. Balanced blocks are therefore scaled by what each explains by
itself: a block that says little of the target is shrunk, whatever the number and the size of its columns, and the
penalty says by how much more or less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from medalist.pipelines.estimators.base import FitRequest, impute
from medalist.pipelines.features.operators.text_targets import log_count_ratios, presence

MAX_LEVELS = 5000  # categories with more levels are left to their encodings
SAMPLE = 6000  # training rows on which it is measured how long rows are and what a block explains
MOST_TARGETS = 8  # columns of the target there; more are projected to as many
INNER_FOLDS = 3
MOST_EXPANDED = 512 << 20  # bytes of numbers expanded to splines; where there would be more they stay as they are
LEAST_PART = 0.05  # of what the best block explains, which any other is taken to explain
SHARES = (0.02, 0.97)  # of the target's variance that the best block is taken to explain, at least and at most
LOGISTIC = np.pi**2 / 3  # variance of the standard logistic distribution


@dataclass(frozen=True)
class Block:
    """Columns of one sort for the training, the validation and the test rows: dense (n, k) or CSR, float32.

    `factor` scales all of them, or each one (k,); it is applied when blocks are joined.
    """

    kind: Literal["numbers", "categories", "text"]
    rows: tuple[Any, Any, Any]
    factor: Any = 1.0

    @property
    def train(self) -> Any:
        """The training rows, without the factor."""
        return self.rows[0]

    @property
    def factors(self) -> np.ndarray:
        """(k,) the factor of each column."""
        return np.broadcast_to(np.asarray(self.factor, dtype=np.float32), self.train.shape[1])

    def scaled(self, factor: Any) -> Block:
        """The block times a number, or times one number for each column."""
        return replace(self, factor=self.factor * factor)

    def taken(self, sample: np.ndarray) -> Any:
        """These training rows, with the factor."""
        rows = self.train[sample]
        if not hasattr(rows, "indptr"):
            return rows * self.factors
        rows.data = rows.data * self.factors[rows.indices]
        return rows

    def length(self, sample: np.ndarray) -> float:
        """Root of the mean squared length of these training rows, with the factor."""
        rows = self.taken(sample)
        values = rows.data if hasattr(rows, "indptr") else rows
        return float(np.sqrt(np.square(values, dtype=np.float64).sum() / max(1, len(sample))))


def blocks_of(request: FitRequest, knots: int) -> list[Block]:
    """The blocks of a request that hold columns: numbers, categories, and one block for each feature of text.

    Numbers are standardised and clipped, with flags of missing values; with `knots` they are expanded to cubic
    B-splines on quantile knots, unless they are too many. Categories are one-hot, rare levels together.
    """
    matrices = (request.train, request.valid, request.test)
    categorical = list(request.train.categorical)
    numbers = [i for i in range(request.train.dense.shape[1]) if i not in set(categorical)]
    blocks: list[Block] = []
    if 4 * sum(map(len, matrices)) * len(numbers) * (knots + 3) > MOST_EXPANDED:
        knots = 0
    if numbers:
        blocks.append(Block("numbers", _numbers([m.dense[:, numbers] for m in matrices], knots)))
    if categorical:
        one_hot = _one_hot([np.nan_to_num(m.dense[:, categorical], nan=-1).astype(np.int64) for m in matrices])
        blocks += [] if one_hot is None else [Block("categories", one_hot)]
    if request.train.sparse is not None:
        train, valid, test = (m.sparse.astype(np.float32, copy=False) for m in matrices)
        widths: Sequence[int] = request.test.sparse_widths or (train.shape[1],)
        ends = np.cumsum(widths)
        for start, end in zip((0, *ends[:-1]), ends, strict=True):
            whole = len(widths) == 1
            parts = (train, valid, test) if whole else tuple(m[:, start:end] for m in (train, valid, test))
            blocks.append(Block("text", parts))
    return blocks


def _numbers(raw: list[np.ndarray], knots: int) -> tuple[Any, Any, Any]:
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    flags = [np.isnan(r) for r in raw]
    gaps = flags[0].mean(axis=0) > 0.005
    filled = impute(raw)
    scaler = StandardScaler().fit(filled[0])
    scaled = [np.clip(scaler.transform(f), -6, 6) if len(f) else f for f in filled]
    count = filled[0].shape[1]
    each = knots + 2 if knots else 0  # cubic B-splines on so many knots
    told = count * (1 + each)
    rows = [np.empty((len(s), told + int(gaps.sum())), dtype=np.float32) for s in scaled]
    for out, s, f in zip(rows, scaled, flags, strict=True):
        out[:, :count], out[:, told:] = s, f[:, gaps]
    for j in range(count if knots else 0):  # column by column: all at once would take several times the memory
        spline = SplineTransformer(n_knots=knots, degree=3, knots="quantile", extrapolation="linear")
        spline.fit(scaled[0][:, j : j + 1])
        for out, s in zip(rows, scaled, strict=True):
            if len(s):
                out[:, count + j * each : count + (j + 1) * each] = spline.transform(s[:, j : j + 1])
    train, valid, test = rows
    return train, valid, test


def _one_hot(codes: list[np.ndarray]) -> tuple[Any, Any, Any] | None:
    from scipy import sparse
    from sklearn.preprocessing import OneHotEncoder

    keep = [j for j in range(codes[0].shape[1]) if len(np.unique(codes[0][:, j])) <= MAX_LEVELS]
    if not keep:
        return None
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, dtype=np.float32)
    encoder.fit(codes[0][:, keep])
    width = len(encoder.get_feature_names_out())
    train, valid, test = (
        encoder.transform(c[:, keep]) if len(c) else sparse.csr_matrix((0, width), dtype=np.float32) for c in codes
    )
    return train, valid, test


def joined(blocks: Sequence[Block], request: FitRequest) -> list[Any]:
    """The scaled blocks side by side, for the training, validation and test rows: CSR where any is, else dense.

    A column of zeros stands in where there is none.
    """
    from scipy import sparse

    if not blocks:
        return [np.zeros((len(m), 1), dtype=np.float32) for m in (request.train, request.valid, request.test)]
    factors = np.concatenate([b.factors for b in blocks])
    if not any(sparse.issparse(b.train) for b in blocks):
        return [np.hstack([b.rows[i] for b in blocks]) * factors for i in range(3)]
    out = []
    for i in range(3):
        rows = sparse.hstack([sparse.csr_matrix(b.rows[i]) for b in blocks], format="csr", dtype=np.float32)
        rows.data = rows.data * factors[rows.indices]  # what it was made from may share its memory
        out.append(rows)
    return out


def sample_of(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of the training rows on which blocks are measured, ascending."""
    return np.sort(rng.choice(rows, SAMPLE, replace=False)) if rows > SAMPLE else np.arange(rows)


def balanced(blocks: Sequence[Block], target: np.ndarray, seed: int, *, classes: bool) -> list[Block]:
    """Blocks scaled so that a penalty of 1 suits what they explain of `target` (m, K): values, or 0 and 1 for classes.

    A penalty of 1 says that coefficients are spread like a standard normal, so the squared length of a row is the
    variance that the model expects to explain. All blocks together get the variance that the best of them explains,
    relative to what is left of the target; each gets a part in proportion to the square of its own share. A share is
    what ridge regression on the block alone explains out of fold, on a sample of the rows. For classes the variance is
    that of the log-odds.
    """
    rng = np.random.default_rng(seed)
    sample = sample_of(len(target), rng)
    goal = target[sample] - target[sample].mean(axis=0)
    if not classes:  # several targets may be told in different units
        goal = goal / np.where((spread := goal.std(axis=0)) > 0, spread, 1)
    if goal.shape[1] > MOST_TARGETS:
        goal = goal @ rng.choice([-1.0, 1.0], size=(goal.shape[1], MOST_TARGETS))
    inner = rng.permutation(len(sample)) % INNER_FOLDS
    used = [(b, length) for b in blocks if (length := b.length(sample)) > 0]
    shares = np.array([explained(b.taken(sample) / np.float32(length), goal, inner) for b, length in used])
    best = float(np.clip(shares.max(initial=0.0), *SHARES))
    parts = np.maximum(shares, LEAST_PART * best) ** 2
    variance = _odds(best)
    if classes:
        variance = LOGISTIC * _odds(min(best / visible(target.mean(axis=0)), SHARES[1]))
    scales = np.sqrt(variance * parts / parts.sum())
    return [b.scaled(scale / length) for (b, length), scale in zip(used, scales, strict=True)]


def visible(means: np.ndarray) -> float:
    """Of the explained share of a normal variable, what is left of it once it is cut into 0 and 1 (Dempster & Lerner,
    1950); `means` (K,) are the shares of 1, and the mean over them counts each by its variance."""
    from scipy.special import ndtri

    p = means[(means > 0) & (means < 1)]
    heights = np.exp(-np.square(ndtri(p)) / 2) / np.sqrt(2 * np.pi)  # of the normal density at the cut
    return float(np.square(heights).sum() / (p * (1 - p)).sum()) if len(p) else 1.0


def _odds(share: float) -> float:
    return share / (1 - share)


def explained(rows: Any, goal: np.ndarray, inner: np.ndarray) -> float:
    """The squared correlation of `goal` (m, K), centred, with what ridge regression on `rows` says of it out of fold.

    `rows` (m, k), dense or sparse, are of length 1 in the mean; `inner` (m,) is the fold of each.
    """
    from sklearn.linear_model import Ridge

    said = np.zeros(goal.shape)
    for k in range(INNER_FOLDS):
        held = inner == k
        if held.any() and not held.all():
            model = Ridge(alpha=1.0, fit_intercept=False, tol=1e-3, max_iter=60)
            said[held] = model.fit(rows[~held], goal[~held]).predict(rows[held]).reshape(-1, goal.shape[1])
    said -= said.mean(axis=0)
    both = float((said**2).sum() * (goal**2).sum())
    return max(0.0, float((said * goal).sum())) ** 2 / both if both > 0 else 0.0


def by_terms(block: Block, target: np.ndarray, seed: int, *, classes: bool) -> Block:
    """A block of text as which terms a row has, each weighted by how the target (m, K) differs where it occurs.

    For classes that is the root mean square over the classes of naive Bayes' log-count ratio (NB-SVM, Wang & Manning,
    2012; the sign is the coefficient's own). For values it is the mean of the standardised target where the term
    occurs, shrunken as if one more row had it. Rows have length 1 before they are weighted, and the block is as long
    as it was.
    """
    ones, *others = (presence(rows) for rows in block.rows)
    if classes:
        weights = log_count_ratios(ones, target)
    else:
        spread = target.std(axis=0)
        goal = ((target - target.mean(axis=0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
        weights = np.asarray(ones.T @ goal) / (np.asarray(ones.sum(axis=0)).reshape(-1, 1) + 1)
    rows = tuple(_unit(r) for r in (ones, *others))
    made = Block(block.kind, rows, np.sqrt((weights**2).mean(axis=1)))
    sample = sample_of(len(target), np.random.default_rng(seed))
    length = made.length(sample)
    return made.scaled(block.length(sample) / length) if length > 0 else made


def _unit(ones: Any) -> Any:
    """Rows of 0 and 1, each divided by its length; what is given is changed."""
    counts = np.diff(ones.indptr)
    ones.data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return ones
