"""Choosing: a group of candidates that do not repeat each other, and those that may help in company."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.search.scoring import Found, Scorer, worth

SAME = 0.985  # rank correlation from which on two features are one
MOST_PICKS = 24
LIKELY = 3.0  # standard errors of what a candidate explains, from which on it is promising for that
OF_RESIDUAL, OF_SYNERGY = 3, 5  # candidates of a sort that may help in company


def pursue(
    says: Mapping[Feature, Sequence[tuple[np.ndarray, int]]],
    scored: Mapping[Feature, Found],
    at: Scorer,
    least: float,
    over: Callable[[], bool] = bool,
) -> tuple[list[Found], list[Found]]:
    """Choose one after another what explains most of what the chosen ones leave; and what is redundant beside them.

    says: the bins of each feature, one pair (codes, how many) per column. scored: what it explains alone. at: the
    residual to explain. least: the z from which on a feature is chosen. over: whether the time is up.
    """
    residual = at.residual
    picks: list[Found] = []
    redundant: list[Found] = []
    taken: list[np.ndarray] = []
    left = list(says)
    gains = {f: scored[f].gain for f in left}
    while left and len(picks) < MOST_PICKS and not (picks and over()):
        scorer = Scorer(residual, at.half)
        # gains only shrink as others are taken: look again at the most promising ones only
        left.sort(key=lambda f: (-worth(f, gains[f]), str(f)))
        chosen: tuple[float, Feature, tuple[np.ndarray, int], float, float] | None = None
        for f in left[:40]:
            if chosen is not None and worth(f, gains[f]) <= chosen[0]:
                break
            column, (gain, error) = _best_column(scorer, says[f])
            gains[f] = gain
            if chosen is None or worth(f, gain) > chosen[0]:
                chosen = worth(f, gain), f, column, gain, error
        assert chosen is not None
        _, f, column, gain, error = chosen
        left.remove(f)
        if gain < least * error:  # much is not much where it is uncertain: another may be surer
            redundant.append(Found(str(f), scored[f].gain, scored[f].error, "redundant", "the picks leave it nothing"))
            continue
        fitted = scorer.fitted(*column)
        own = fitted.ravel()
        twin = next((p for p, t in zip(picks, taken, strict=True) if abs(_correlation(own, t)) > SAME), None)
        if twin is not None:
            redundant.append(Found(str(f), gain, error, "redundant", f"says what {twin.text} says"))
            continue
        picks.append(Found(str(f), scored[f].gain, scored[f].error, "candidate", ""))
        taken.append(own)
        residual = residual - fitted
    redundant += [
        Found(str(f), scored[f].gain, scored[f].error, "redundant", "the picks leave it nothing") for f in left[:20]
    ]
    return picks, redundant


def promising(scored: Mapping[Feature, Found], most: int = 160) -> list[tuple[Feature, Found]]:
    """Candidates that explain nothing by themselves that the model does not know, but may in company: the best of each
    sort by what they explain of the residual, and by what they say of the target beyond their columns alone.

    Sorts (the operators that a candidate is made of) are not compared with each other: a cross of four keys always
    says more than a ratio, and the model may still need the ratio.
    """
    sorts: dict[tuple[str, ...], list[Feature]] = {}
    for f in sorted(scored, key=str):
        sorts.setdefault((f.op, *(a.op for a in (*f.args, *f.by) if isinstance(a, Feature))), []).append(f)
    turns: dict[Feature, tuple[int, float]] = {}
    for of_sort in sorts.values():
        by_residual = sorted((f for f in of_sort if scored[f].z > LIKELY), key=lambda f: -scored[f].z)
        by_synergy = sorted((f for f in of_sort if scored[f].synergy > 0), key=lambda f: -worth(f, scored[f].synergy))
        for ranked, kept in ((by_residual, OF_RESIDUAL), (by_synergy, OF_SYNERGY)):
            for turn, f in enumerate(ranked[:kept]):
                turns[f] = min(turns.get(f, (turn, 0.0)), (turn, -worth(f, scored[f].synergy)))
    chosen = sorted(turns, key=lambda f: (turns[f], str(f)))
    return [(f, scored[f]) for f in chosen[:most]]


def _best_column(
    scorer: Scorer, columns: Sequence[tuple[np.ndarray, int]]
) -> tuple[tuple[np.ndarray, int], tuple[float, float]]:
    """The column (codes, how many) that explains something most surely, with its gain and standard error."""
    gains = [scorer.gain(codes, size) for codes, size in columns]
    k = int(np.argmax([gain / error if error > 0 else 0.0 for gain, error in gains]))
    return columns[k], gains[k]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0
