"""Screening: what a candidate explains of a model's residual, cheaply and on rows that later judge nothing.

A candidate's worth is the share of the residual's variance that its bins (or its categories) explain in rows that they
were not fitted on: rows are cut into halves, the mean residual of each bin in one half predicts the other. That needs
one pass over the rows, finds what is not monotone too, is fair to categories of many levels (it is what their target
mean will do), and comes with a standard error. More rows are spent on fewer candidates (successive halving, Jamieson
and Talwalkar, 2016), and what is left is chosen one after another, each for what the others leave unexplained (matching
pursuit, Mallat and Zhang, 1993), so that a group has no two features that say the same.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from competitions.drift import number_drift
from competitions.errors import PipelineError
from pipelines.features.expression import Column, Feature, feature, nodes
from pipelines.features.frame import Frame, Source
from pipelines.features.operators import kind_of, operator_of
from pipelines.features.operators.base import Target

RUNGS = (6_000, 24_000, 96_000)  # rows
MOST_TARGETS = (3, 8, 8)  # columns of the residual that are looked at on each rung: those of most variance
KEPT = (0.12, 0.25)  # of the candidates, from one rung to the next
LEAST_KEPT = (240, 100)
ROWS_PER_LEVEL = 6  # of the first rung, that a key should have
SHRINKAGE = 10.0  # rows, of the mean residual of a bin
ROWS_PER_BIN, MOST_BINS = 60, 128
NEW_IN_TEST = 0.7  # share of test rows with a key that training never has, from which on it is of no use
SIMPLER = 0.95  # of the gain is left for each part more of an expression
SAME = 0.985  # rank correlation from which on two features are one
MOST_PICKS = 24
MOST_PURSUED = 160
OF_RESIDUAL, OF_SYNERGY = 3, 5  # candidates of a sort that may help in company
DRIFT = 0.03  # Kolmogorov-Smirnov distance between train and test beyond chance and beyond the columns' own
FRAME_ROWS = 240_000  # rows of train and test on which candidates are computed; of larger tables a sample


@dataclass(frozen=True)
class Found:
    """A candidate with the share of the residual's variance that it explains, and the standard error of that.

    `synergy`: the share of the target's own variance that it explains beyond the best of its columns alone.
    """

    text: str
    gain: float
    error: float
    status: str = "candidate"
    reason: str = ""
    synergy: float = 0.0

    @property
    def z(self) -> float:
        return self.gain / self.error if self.error > 0 else 0.0


@dataclass(frozen=True)
class Screening:
    """What one screening found: picks in the order in which they are worth most beside each other; what is promising
    otherwise, because trees would use it; what was dropped as redundant; and how many were looked at. `threshold` is
    the z from which on a candidate is no chance find."""

    picks: tuple[Found, ...]
    promising: tuple[Found, ...]
    redundant: tuple[Found, ...]
    screened: int
    threshold: float
    best: Found | None
    seconds: float


@dataclass
class Scorer:
    """Scores codes or numbers against the residual of some rows: (m, T), with a fixed half (m,) for each row."""

    residual: np.ndarray
    half: np.ndarray

    def __post_init__(self) -> None:
        self.scale = float(np.mean(np.sum(self.residual**2, axis=1))) or 1.0

    @property
    def bins(self) -> int:
        return int(np.clip(len(self.residual) // ROWS_PER_BIN, 8, MOST_BINS))

    def fitted(self, codes: np.ndarray, size: int) -> np.ndarray:
        """(m, T) the mean residual of each row's code in the other half of the rows, shrunk towards 0."""
        cell = codes * 2 + self.half
        counts = np.bincount(cell, minlength=2 * size).reshape(size, 2)[:, ::-1]
        out = np.empty_like(self.residual)
        for t in range(self.residual.shape[1]):
            sums = np.bincount(cell, weights=self.residual[:, t], minlength=2 * size).reshape(size, 2)[:, ::-1]
            out[:, t] = (sums / (counts + SHRINKAGE))[codes, self.half]
        return out

    def gain(self, fitted: np.ndarray) -> tuple[float, float]:
        """The share of the residual's variance that `fitted` (m, T) explains, and its standard error."""
        each = np.sum((2 * self.residual - fitted) * fitted, axis=1) / self.scale
        return float(each.mean()), float(each.std() / np.sqrt(len(each)))


def _widest(residual: np.ndarray, most: int) -> np.ndarray:
    """The columns of (m, T) that vary most, at most so many."""
    if residual.shape[1] <= most:
        return residual
    return np.ascontiguousarray(residual[:, np.sort(np.argsort(-residual.var(axis=0), kind="stable")[:most])])


def binned(values: np.ndarray, bins: int) -> tuple[np.ndarray, int]:
    """Quantile bins (m,) int64 of numbers, missing in a bin of its own, and how many there are."""
    gaps = np.isnan(values)
    present = values[~gaps] if gaps.any() else values
    if not len(present):
        return np.zeros(len(values), dtype=np.int64), 1
    edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1], method="nearest"))
    codes = np.searchsorted(edges, values, side="right")
    codes[gaps] = len(edges) + 1
    return codes, len(edges) + 2


@dataclass
class Screen:
    """One screening over the rows of train that it may look at.

    rows: (s,) positions of train rows, those that will not judge. residual: (s, T) what the present model leaves
    unexplained of them, and target: (s, T) what it explains, both on the scale on which it is fitted. by_time: whether
    test lies after train, so that whatever depends on time is apart and the folds, cut alike, show what that does.
    """

    source: Source
    rows: np.ndarray
    residual: np.ndarray
    target: np.ndarray
    seed: int = 0
    deadline: float = float("inf")
    by_time: bool = False
    frame: Frame = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(len(self.rows))[: RUNGS[-1]]
        self._places, self._residual, self.y = self.rows[order], self.residual[order], self.target[order]
        self._half = rng.integers(0, 2, len(order))
        kept: np.ndarray | None = None
        if self.source.n_rows > FRAME_ROWS:
            others = rng.choice(self.source.n_rows, FRAME_ROWS, replace=False)
            kept = np.unique(np.concatenate([others, self._places]))
            self._places = np.searchsorted(kept, self._places)
        self.frame = Frame(self.source, rows=kept)
        self._small = self._rung(0)
        self._kept_rungs: dict[int, tuple[np.ndarray, Scorer, Frame]] = {0: self._small}
        self._of_target: dict[int, Scorer] = {}
        self._alone: dict[str, float] = {}

    def _rung(self, rung: int) -> tuple[np.ndarray, Scorer, Frame]:
        """Positions in the frame of a rung's rows, their scorer, and a frame of these rows alone."""
        m = min(RUNGS[rung], len(self._places))
        places = self._places[:m]
        most = MOST_TARGETS[rung]
        sorted_rows = np.sort(places) if self.frame.rows is None else self.frame.rows[np.sort(places)]
        return places, Scorer(_widest(self._residual[:m], most), self._half[:m]), Frame(self.source, rows=sorted_rows)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.deadline

    def codes(
        self, feature: Feature, rung: tuple[np.ndarray, Scorer, Frame], y: np.ndarray | None = None
    ) -> list[tuple[np.ndarray, int]]:
        """The bins or categories that a feature puts the rows of a rung into: one pair (codes, how many) per column.

        What is fitted is fitted on `y` (m, T), by default on the residual.
        """
        places, scorer, small = rung
        if feature.op == "target_mean":
            key = self.frame.key(feature.args[0])
            if self._new_in_test(key.codes, key.size) > NEW_IN_TEST:
                return []
            codes = key.codes[places]
            if key.size > len(places):  # fewer codes than levels: keep the tables short
                present, codes = np.unique(codes, return_inverse=True)
                return [(codes, len(present))]
            return [(codes, key.size)]
        if kind_of(feature) == "supervised":
            target = Target(places, scorer.residual if y is None else y, 0, self.seed)
            value = self.frame.fitted_on(target).value(feature).reshape(self.frame.n, -1)[places]
        elif kind_of(feature) == "stateless":
            order = np.argsort(places, kind="stable")
            value = np.asarray(small.value(feature), dtype=np.float64).reshape(len(places), -1)
            back = np.empty_like(value)
            back[order] = value
            value = back
        else:
            value = np.asarray(self.frame.value(feature)).reshape(self.frame.n, -1)[places]
        if operator_of(feature).gives == "category":
            codes = np.where(np.isnan(value[:, 0]), -1, value[:, 0]).astype(np.int64) + 1
            return [(codes, int(codes.max()) + 1)]
        return [binned(value[:, j].astype(np.float64, copy=False), scorer.bins) for j in range(value.shape[1])]

    def drifts(self, feature: Feature) -> bool:
        """Whether a feature of all rows is further apart between train and test than the columns it is made from.

        What depends on which rows are there (neighbours in time or value, sizes of groups) may not mean in test what
        it means in train; folds, cut from train, cannot show that.
        """
        if self.by_time:
            return False
        parts = {n for n in nodes(feature) if isinstance(n, Feature) and n.op not in ("bin", "cross", "code")}
        return any(
            self._part_drifts(n) for n in parts if kind_of(n) == "transductive" and operator_of(n).gives != "sparse"
        )

    def _part_drifts(self, feature: Feature) -> bool:
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(self.frame.value(feature), dtype=np.float64).reshape(self.frame.n, -1)
        except PipelineError:
            return True
        limit = DRIFT + max((self._drift_of(c) for c in feature.columns), default=0.0)
        return any(self._apart(value[:, j]) > limit for j in range(min(value.shape[1], 8)))

    def _drift_of(self, name: str) -> float:
        key = ("drift", name)
        return self.frame.shared(key, lambda: self._apart(self.frame.key(Column(name)).codes.astype(float)))

    def _apart(self, values: np.ndarray) -> float:
        n = self.frame.n_train
        gaps = abs(float(np.isnan(values[:n]).mean()) - float(np.isnan(values[n:]).mean())) if len(values) > n else 0.0
        return max(gaps, number_drift(values[:n], values[n:], most=20_000))

    def _new_in_test(self, codes: np.ndarray, size: int) -> float:
        seen = np.zeros(size, dtype=bool)
        seen[codes[: self.frame.n_train]] = True
        tested = codes[self.frame.n_train :]
        return float((~seen[tested]).mean()) if len(tested) else 0.0

    def score(self, feature: Feature, rung: int = 0) -> tuple[Found, np.ndarray] | None:
        """A candidate's worth at a rung and what it says of the rows (m, T); None where it says nothing.

        Of several columns the best counts. A key of many levels is scored on all rows at once: on few rows none of its
        levels would come twice.
        """
        first = rung == 0
        if feature.op == "target_mean" and self.frame.key(feature.args[0]).size > len(self._small[0]) // ROWS_PER_LEVEL:
            rung = self._last
        at = self._rungs(rung)
        scorer = at[1]
        best: tuple[Found, np.ndarray] | None = None
        for codes, size in self.codes(feature, at):
            if size < 2 or codes.min() == codes.max():
                continue
            fitted = scorer.fitted(codes, size)
            gain, error = scorer.gain(fitted)
            synergy = 0.0
            if first:
                of_target, plain = (codes, size), self._plain(rung)
                if kind_of(feature) == "supervised" and feature.op != "target_mean":
                    of_target = self.codes(feature, at, plain.residual)[0]
                whole = plain.gain(plain.fitted(*of_target))[0]
                synergy = whole - max((self._of_column(c) for c in feature.columns), default=0.0)
            if best is None or gain > best[0].gain:
                best = Found(str(feature), gain, error, synergy=synergy), fitted
        return best

    def _of_column(self, name: str) -> float:
        """The share of the target's variance that a column explains alone."""
        if name not in self._alone:
            self._alone[name] = 0.0
            for alone in (feature("number", name), feature("target_mean", name)):
                with contextlib.suppress(PipelineError):
                    for codes, size in self.codes(alone, self._small):
                        gain = self._plain(0).gain(self._plain(0).fitted(codes, size))[0]
                        self._alone[name] = max(self._alone[name], gain)
        return self._alone[name]

    @property
    def _last(self) -> int:
        """The first rung that holds all rows, or the last there is."""
        return next((k for k, rows in enumerate(RUNGS) if rows >= len(self._places)), len(RUNGS) - 1)

    def _plain(self, rung: int) -> Scorer:
        """The scorer of the target itself on a rung."""
        if rung not in self._of_target:
            y = self.y[: len(self._rungs(rung)[0])]
            scorer = Scorer(_widest(y - y.mean(axis=0), MOST_TARGETS[rung]), self._half[: len(y)])
            self._of_target[rung] = scorer
        return self._of_target[rung]

    def _rungs(self, rung: int) -> tuple[np.ndarray, Scorer, Frame]:
        if rung not in self._kept_rungs:
            self._kept_rungs[rung] = self._rung(rung)
        return self._kept_rungs[rung]

    def run(
        self,
        candidates: Iterable[Feature],
        present: Sequence[str] = (),
        further: Callable[[list[Feature]], Iterable[Feature]] | None = None,
        limit: int = 20_000,
    ) -> Screening:
        """Screen candidates, those first that come first, until the deadline or the limit.

        `present`: features of the model whose residual it is, not looked at again. `further` makes more candidates of
        the best so far (compositions); it gets them best first.
        """
        began = time.monotonic()
        scored: dict[Feature, Found] = {}
        self._present = frozenset(present)
        self._take(candidates, scored, limit, 0.6)
        if further is not None and scored:
            best = sorted(scored, key=lambda f: (-_worth(f, scored[f].gain - scored[f].error), str(f)))[:16]
            self._take(further(best), scored, limit, 0.8)
        screened = len(scored)
        first = dict(scored)
        threshold = float(np.sqrt(2 * np.log(max(screened, 10)))) - 0.25
        rung = 0
        while rung + 1 < len(RUNGS) and len(self._places) > RUNGS[rung] and not self.over:
            most = max(LEAST_KEPT[rung], int(KEPT[rung] * screened))
            ahead = sorted(scored, key=lambda f: (-scored[f].z, str(f)))[:most]
            rung += 1
            again: dict[Feature, Found] = {}
            for candidate in ahead:
                if self.over and len(again) >= MOST_PICKS:
                    break
                found = self._scored(candidate, rung)
                if found is not None:
                    again[candidate] = found[0]
            scored = again
        ranked = sorted(scored, key=lambda f: (-_worth(f, scored[f].gain), str(f)))
        best_found = scored[max(scored, key=lambda f: scored[f].z)] if scored else None
        significant = [f for f in ranked if scored[f].z >= threshold][:MOST_PURSUED]
        apart = [f for f in significant if self.drifts(f)]
        picks, redundant = self._pursue([f for f in significant if f not in apart], scored, rung, threshold)
        redundant += [replace(scored[f], status="redundant", reason="not alike in train and test") for f in apart]
        taken = {p.text for p in (*picks, *redundant)}
        rest = {f: found for f, found in first.items() if found.text not in taken}
        return Screening(
            tuple(picks),
            tuple(found for f, found in _promising(rest) if not self.drifts(f)),
            tuple(redundant),
            screened,
            threshold,
            best_found,
            round(time.monotonic() - began, 3),
        )

    def _take(self, candidates: Iterable[Feature], scored: dict[Feature, Found], limit: int, share: float) -> None:
        """Score candidates at the first rung until `share` of the time to the deadline is used."""
        now = time.monotonic()
        until = now + share * (self.deadline - now) if np.isfinite(self.deadline) else float("inf")
        for candidate in candidates:
            if len(scored) >= limit or time.monotonic() >= until:
                return
            if candidate not in scored and str(candidate) not in self._present:
                found = self._scored(candidate, 0)
                scored[candidate] = found[0] if found is not None else Found(str(candidate), 0.0, 1.0)

    def _scored(self, feature: Feature, rung: int) -> tuple[Found, np.ndarray] | None:
        try:
            with np.errstate(all="ignore"):
                return self.score(feature, rung)
        except PipelineError:  # not computable from these values after all
            return None

    def _pursue(
        self, features: Sequence[Feature], scored: dict[Feature, Found], rung: int, least: float
    ) -> tuple[list[Found], list[Found]]:
        """Choose one after another what explains most of what the chosen ones leave."""
        at = self._rungs(rung)
        residual = at[1].residual.copy()
        says: dict[Feature, list[tuple[np.ndarray, int]]] = {}
        for f in features:
            if self.over and says:
                break
            says[f] = self.codes(f, at)
        picks: list[Found] = []
        redundant: list[Found] = []
        taken: list[np.ndarray] = []
        left = list(says)
        gains = {f: scored[f].gain for f in left}
        while left and len(picks) < MOST_PICKS:
            scorer = Scorer(residual, at[1].half)
            # gains only shrink as others are taken: look again at the most promising ones only
            left.sort(key=lambda f: (-_worth(f, gains[f]), str(f)))
            chosen: tuple[float, Feature, np.ndarray, float, float] | None = None
            for f in left[:40]:
                if chosen is not None and _worth(f, gains[f]) <= chosen[0]:
                    break
                fitted, (gain, error) = self._best_column(scorer, says[f])
                gains[f] = gain
                if chosen is None or _worth(f, gain) > chosen[0]:
                    chosen = _worth(f, gain), f, fitted, gain, error
            assert chosen is not None
            _, f, fitted, gain, error = chosen
            left.remove(f)
            if gain < least * error:
                break
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

    def _best_column(
        self, scorer: Scorer, columns: list[tuple[np.ndarray, int]]
    ) -> tuple[np.ndarray, tuple[float, float]]:
        tried = [(scorer.fitted(codes, size)) for codes, size in columns]
        gains = [scorer.gain(f) for f in tried]
        k = int(np.argmax([g for g, _ in gains]))
        return tried[k], gains[k]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def _worth(feature: Feature, gain: float) -> float:
    """A gain less what its complexity costs: of two that explain about the same, the simpler one."""
    return gain * SIMPLER ** sum(1 for _ in nodes(feature)) if gain > 0 else gain


def _promising(scored: dict[Feature, Found], most: int = 160) -> list[tuple[Feature, Found]]:
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
        by_residual = sorted((f for f in of_sort if scored[f].z > 0), key=lambda f: -scored[f].z)
        by_synergy = sorted((f for f in of_sort if scored[f].synergy > 0), key=lambda f: -_worth(f, scored[f].synergy))
        for ranked, kept in ((by_residual, OF_RESIDUAL), (by_synergy, OF_SYNERGY)):
            for turn, f in enumerate(ranked[:kept]):
                turns[f] = min(turns.get(f, (turn, 0.0)), (turn, -_worth(f, scored[f].synergy)))
    chosen = sorted(turns, key=lambda f: (turns[f], str(f)))
    return [(f, scored[f]) for f in chosen[:most]]
