"""Screening: what a candidate explains of a model's residual, cheaply and on rows that later judge nothing.

A candidate's worth is the share of the residual's variance that its bins (or its categories) explain in rows that they
were not fitted on: rows are cut into halves, and the mean residuals of each bin in the two agree by more than chance
(`scoring`). That needs one pass over the rows, finds what is not monotone too, is fair to categories of many levels (it
is what their target mean will do), and comes with a standard error. More rows are spent on fewer candidates (successive
halving, Jamieson and Talwalkar, 2016), and what is left is chosen one after another, each for what the others leave
unexplained (matching pursuit, Mallat and Zhang, 1993), so that a group has no two features that say the same.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.frames.frame import Frame, Source
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Feature, feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.language.registry import kind_of, operator_of
from medalist.pipelines.features.search.choosing import MOST_PICKS, promising, pursue
from medalist.pipelines.features.search.drift import drifts, new_in_test
from medalist.pipelines.features.search.scoring import Found, Scorer, binned, coarse, widest, worth

RUNGS = (6_000, 24_000, 96_000, 384_000)  # rows
MOST_TARGETS = (3, 8, 8, 8)  # columns of the residual that are looked at on each rung: those of most variance
KEPT = (0.12, 0.25, 0.25)  # of the candidates, from one rung to the next
LEAST_KEPT = (240, 100, 60)
MOST_ADOPTED, MOST_DEPTH = 6, 8  # features of the model that compositions are made from, and how deep they may be
FIRST_SHARE, FURTHER_SHARE = 0.5, 0.6  # of the time that is left, for candidates and for compositions on the first rung
MOST_BYTES = 512 << 20  # of the bins that are chosen from
ROWS_PER_LEVEL = 6  # of the first rung, that a key should have
NEW_IN_TEST = 0.7  # share of test rows with a key that training never has, from which on it is of no use
MOST_PURSUED = 160
SURELY = 0.25  # standard errors beyond the largest that so many candidates have by chance, each in two sorts of bins
FRAME_ROWS = 500_000  # rows of train and test on which candidates are computed; of larger tables a sample


@dataclass(frozen=True)
class Screening:
    """What one screening found: picks in the order in which they are worth most beside each other; what is promising
    beside them, for trees to choose from; what was dropped as redundant; and how many were looked at. `threshold` is
    the z from which on a candidate is no chance find."""

    picks: tuple[Found, ...]
    promising: tuple[Found, ...]
    redundant: tuple[Found, ...]
    screened: int
    threshold: float
    best: Found | None
    seconds: float


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
        self._alone: dict[tuple[str, int], float] = {}

    def _rung(self, rung: int) -> tuple[np.ndarray, Scorer, Frame]:
        """Positions in the frame of a rung's rows, their scorer, and a frame of these rows alone."""
        m = min(RUNGS[rung], len(self._places))
        places = self._places[:m]
        most = MOST_TARGETS[rung]
        sorted_rows = np.sort(places) if self.frame.rows is None else self.frame.rows[np.sort(places)]
        return places, Scorer(widest(self._residual[:m], most), self._half[:m]), Frame(self.source, rows=sorted_rows)

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
            if new_in_test(self.frame, key) > NEW_IN_TEST:
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
        fine = [binned(value[:, j].astype(np.float64, copy=False), scorer.bins) for j in range(value.shape[1])]
        return [*fine, *(merged for one in fine if (merged := coarse(*one)) is not None)]

    def score(self, feature: Feature, rung: int = 0) -> Found | None:
        """A candidate's worth at a rung; None where it says nothing.

        Of several columns the surest counts. A key of many levels is scored on all rows at once: on few rows none of
        its levels would come twice.
        """
        first = rung == 0
        if feature.op == "target_mean" and self.frame.key(feature.args[0]).size > len(self._small[0]) // ROWS_PER_LEVEL:
            rung = self._last
        at = self._rungs(rung)
        scorer = at[1]
        best: Found | None = None
        of_target: tuple[np.ndarray, int] | None = None
        if first and kind_of(feature) == "supervised" and feature.op != "target_mean":
            of_target = self.codes(feature, at, self._plain(rung).residual)[0]
        for codes, size in self.codes(feature, at):
            if size < 2 or codes.min() == codes.max():
                continue
            gain, error = scorer.gain(codes, size)
            synergy = 0.0
            if first:
                whole = self._plain(rung).gain(*(of_target or (codes, size)))[0]
                synergy = whole - max((self._of_column(c, rung) for c in feature.columns), default=0.0)
            found = Found(str(feature), gain, error, synergy=synergy)
            if best is None or found.z > best.z:
                best = found
        return best

    def _of_column(self, name: str, rung: int) -> float:
        """The share of the target's variance that a column explains alone, on the rows of a rung."""
        if (name, rung) not in self._alone:
            self._alone[name, rung] = 0.0
            for alone in (feature("number", name), feature("target_mean", name)):
                with contextlib.suppress(PipelineError):
                    for codes, size in self.codes(alone, self._rungs(rung)):
                        gain = self._plain(rung).gain(codes, size)[0]
                        self._alone[name, rung] = max(self._alone[name, rung], gain)
        return self._alone[name, rung]

    @property
    def _last(self) -> int:
        """The first rung that holds all rows, or the last there is."""
        return next((k for k, rows in enumerate(RUNGS) if rows >= len(self._places)), len(RUNGS) - 1)

    def _plain(self, rung: int) -> Scorer:
        """The scorer of the target itself on a rung."""
        if rung not in self._of_target:
            y = self.y[: len(self._rungs(rung)[0])]
            scorer = Scorer(widest(y - y.mean(axis=0), MOST_TARGETS[rung]), self._half[: len(y)])
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
        self._take(candidates, scored, limit, FIRST_SHARE)
        if further is not None and scored:
            best = sorted(scored, key=lambda f: (-worth(f, scored[f].gain - scored[f].error), str(f)))[:16]
            adopted = [f for f in map(parse, present) if 2 <= f.depth <= MOST_DEPTH or f.columns[1:]]
            self._take(further([*adopted[-MOST_ADOPTED:], *best]), scored, limit, FURTHER_SHARE)
        screened = len(scored)
        first = dict(scored)
        threshold = float(np.sqrt(2 * np.log(2 * max(screened, 10)))) + SURELY
        rung = 0
        while rung + 1 < len(RUNGS) and len(self._places) > RUNGS[rung] and not self.over:
            most = max(LEAST_KEPT[rung], int(KEPT[rung] * len(scored)))
            ahead = sorted(scored, key=lambda f: (-scored[f].z, str(f)))[:most]
            rung += 1
            again: dict[Feature, Found] = {}
            for candidate in ahead:
                if self.over and len(again) >= MOST_PICKS:
                    break
                found = self._scored(candidate, rung)
                if found is not None:
                    again[candidate] = found
            scored = again
        ranked = sorted(scored, key=lambda f: (-worth(f, scored[f].gain), str(f)))
        best_found = scored[max(scored, key=lambda f: scored[f].z)] if scored else None
        significant = [f for f in ranked if scored[f].z >= threshold][:MOST_PURSUED]
        apart = [f for f in significant if self._drifts(f)]
        says = self._says([f for f in significant if f not in apart], rung)
        picks, redundant = pursue(says, scored, self._rungs(rung)[1], threshold, lambda: self.over)
        redundant += [replace(scored[f], status="redundant", reason="not alike in train and test") for f in apart]
        taken = {p.text for p in (*picks, *redundant)}
        rest = {f: found for f, found in first.items() if found.text not in taken}
        return Screening(
            tuple(picks),
            tuple(found for f, found in promising(rest) if not self._drifts(f)),
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
                scored[candidate] = found if found is not None else Found(str(candidate), 0.0, 1.0)

    def _scored(self, feature: Feature, rung: int) -> Found | None:
        try:
            with np.errstate(all="ignore"):
                return self.score(feature, rung)
        except PipelineError:  # not computable from these values after all
            return None

    def _drifts(self, feature: Feature) -> bool:
        return not self.by_time and drifts(self.frame, feature)

    def _says(self, features: Sequence[Feature], rung: int) -> dict[Feature, list[tuple[np.ndarray, int]]]:
        """The bins of each feature on a rung, as many features as there is time for, one at least."""
        says: dict[Feature, list[tuple[np.ndarray, int]]] = {}
        room = MOST_BYTES
        for f in features:
            if (self.over or room < 0) and says:
                break
            says[f] = [(codes.astype(np.int32), size) for codes, size in self.codes(f, self._rungs(rung))]
            room -= sum(codes.nbytes for codes, _ in says[f])
        return says
