"""Choosing among scored candidates: picks that complement each other, and promising ones for a test by trees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.search.scoring import ScoredFeature, Scorer, worth

DUPLICATE_CORRELATION = 0.985  # correlation of two features' fitted residuals, above which one is redundant
MOST_PICKS = 24
MOST_RESCORED = 40  # candidates that are scored again for each pick, at most
MAX_NOTED = 20  # unpicked candidates that are recorded as redundant
PROMISING_Z = 3.0  # z-score of its gain, above which a candidate is promising
TOP_BY_GAIN, TOP_BY_SYNERGY = 3, 5  # promising candidates of one operator signature, at most
NOTHING_TO_EXPLAIN = "the picks leave it nothing"


def pursue(
    codes_of: Mapping[Feature, Sequence[tuple[np.ndarray, int]]],
    scores: Mapping[Feature, ScoredFeature],
    scorer: Scorer,
    threshold: float,
    is_over: Callable[[], bool] = bool,
) -> tuple[list[ScoredFeature], list[ScoredFeature]]:
    """Matching pursuit: repeatedly pick the feature that explains most of the residual that remains after earlier
    picks.

    codes_of: for each feature a pair (codes, number of codes) for each of its columns. scores: each feature's score by
    itself. scorer: of the residual to explain. threshold: least z-score of a pick. is_over: whether the time is up;
    then there is at most one pick. Returns the picks, and the features that are redundant given these.
    """
    residual = scorer.residual
    picks: list[ScoredFeature] = []
    redundant: list[ScoredFeature] = []
    fits: list[np.ndarray] = []
    remaining = list(codes_of)
    gains = {f: scores[f].gain for f in remaining}
    while remaining and len(picks) < MOST_PICKS and not (picks and is_over()):
        current = Scorer(residual, scorer.half, scorer.units)
        # gains only shrink as others are picked, so earlier gains are upper bounds: the largest are updated first
        remaining.sort(key=lambda f: (-worth(f, gains[f]), str(f)))
        best: tuple[float, Feature, tuple[np.ndarray, int], float, float] | None = None
        for f in remaining[:MOST_RESCORED]:
            if best is not None and worth(f, gains[f]) <= best[0]:
                break
            column, (gain, error) = _best_column(current, codes_of[f])
            gains[f] = gain
            if best is None or worth(f, gain) > best[0]:
                best = worth(f, gain), f, column, gain, error
        assert best is not None
        _, f, column, gain, error = best
        remaining.remove(f)
        if gain < threshold * error:  # large but not significant: another may be
            redundant.append(ScoredFeature(str(f), scores[f].gain, scores[f].error, "redundant", NOTHING_TO_EXPLAIN))
            continue
        fitted = current.fitted(*column)
        fit = fitted.ravel()
        twin = next(
            (p for p, other in zip(picks, fits, strict=True) if abs(_correlation(fit, other)) > DUPLICATE_CORRELATION),
            None,
        )
        if twin is not None:
            redundant.append(ScoredFeature(str(f), gain, error, "redundant", f"says what {twin.text} says"))
            continue
        picks.append(ScoredFeature(str(f), scores[f].gain, scores[f].error, "candidate", ""))
        fits.append(fit)
        residual = residual - fitted
    redundant += [
        ScoredFeature(str(f), scores[f].gain, scores[f].error, "redundant", NOTHING_TO_EXPLAIN)
        for f in remaining[:MAX_NOTED]
    ]
    return picks, redundant


def promising(scores: Mapping[Feature, ScoredFeature], most: int = 160) -> list[tuple[Feature, ScoredFeature]]:
    """Candidates that may help a model: the best of each operator signature, by gain and by synergy.

    The signature of a candidate is its operator and those of its arguments and keys, with the further table that it
    aggregates and how it compares in conditions. Signatures are not compared with
    each other: a cross of four keys always explains more than a ratio, which the model may still need. At most `most`,
    the best of each signature first, then the second best.
    """
    by_signature: dict[tuple[str, ...], list[Feature]] = {}
    for f in sorted(scores, key=str):
        below = (a.op for a in (*f.args, *f.by) if isinstance(a, Feature))
        by_signature.setdefault((f.op, f.measured or "", *(c.mark for c in f.where), *below), []).append(f)
    ranks: dict[Feature, tuple[int, float]] = {}
    for of_signature in by_signature.values():
        by_gain = sorted((f for f in of_signature if scores[f].z > PROMISING_Z), key=lambda f: -scores[f].z)
        by_synergy = sorted(
            (f for f in of_signature if scores[f].synergy > 0), key=lambda f: -worth(f, scores[f].synergy)
        )
        for ranked, count in ((by_gain, TOP_BY_GAIN), (by_synergy, TOP_BY_SYNERGY)):
            for rank, f in enumerate(ranked[:count]):
                ranks[f] = min(ranks.get(f, (rank, 0.0)), (rank, -worth(f, scores[f].synergy)))
    chosen = sorted(ranks, key=lambda f: (ranks[f], str(f)))
    return [(f, scores[f]) for f in chosen[:most]]


def _best_column(
    scorer: Scorer, columns: Sequence[tuple[np.ndarray, int]]
) -> tuple[tuple[np.ndarray, int], tuple[float, float]]:
    """The column (codes, number of codes) with the largest z-score, and its (gain, standard error)."""
    gains = [scorer.gain(codes, size) for codes, size in columns]
    k = int(np.argmax([gain / error if error > 0 else 0.0 for gain, error in gains]))
    return columns[k], gains[k]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's correlation of two vectors; 0 where one is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0
