"""Screening: a cheap search for the candidates that explain a model's residual, on rows that no later test uses.

More rows are spent on fewer candidates (successive halving, Jamieson and Talwalkar, 2016). The survivors are chosen one
after another by what they explain of the residual of those before (matching pursuit, Mallat and Zhang, 1993), so that
the chosen features complement each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalist.competitions.clock import awake
from medalist.competitions.errors import PipelineError
from medalist.pipelines.features.language.expression import Feature
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.search.choosing import MOST_PICKS, promising, pursue
from medalist.pipelines.features.search.drift import drifts
from medalist.pipelines.features.search.sampling import RUNGS, Codes, Sample
from medalist.pipelines.features.search.scoring import ScoredFeature, worth

KEEP_SHARES = (0.12, 0.25, 0.25)  # share of the candidates that survives each rung but the last
MIN_KEPT = (240, 100, 60)  # candidates that survive these rungs, at least
MAX_MODEL_FEATURES = 6  # latest features of the model that compositions are made from, at most
MOST_DEPTH = 8  # levels of nested operators of such a feature, at most
MAX_COMPOSED = 16  # best candidates that compositions are made from, at most
FIRST_SHARE, COMPOSITION_SHARE = 0.5, 0.6  # of the remaining time, for candidates and compositions on the first rung
MOST_BYTES = 512 << 20  # bytes of the codes of the candidates of matching pursuit, at most
MOST_PURSUED = 160  # significant candidates in matching pursuit, at most
MARGIN = 0.25  # margin of the threshold above the largest z-score that n null candidates are expected to have


@dataclass(frozen=True)
class Screening:
    """The outcome of one screening.

    picks: significant candidates in the order of matching pursuit. promising: further candidates, for a test by trees.
    redundant: significant ones that were dropped, with the reason. screened: number of scored candidates. threshold:
    the z-score of significance, given the number of candidates. best: the candidate with the largest z-score. seconds:
    time taken.
    """

    picks: tuple[ScoredFeature, ...]
    promising: tuple[ScoredFeature, ...]
    redundant: tuple[ScoredFeature, ...]
    screened: int
    threshold: float
    best: ScoredFeature | None
    seconds: float


@dataclass
class Screener:
    """Screens candidates on a sample.

    deadline: in seconds of `awake()`. test_is_later: whether test lies after train in time. Then features that
    depend on time differ between them anyway, time folds show what that costs, and no candidate is dropped for drift.
    """

    sample: Sample
    deadline: float = float("inf")
    test_is_later: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return awake() >= self.deadline

    def run(
        self,
        candidates: Iterable[Feature],
        model_features: Sequence[str] = (),
        compositions: Callable[[list[Feature]], Iterable[Feature]] | None = None,
        limit: int = 20_000,
    ) -> Screening:
        """Screen candidates in their order, until the deadline or until `limit` of them are scored.

        model_features: features of the model whose residual is explained; they are not scored again. compositions:
        returns compositions of features: of the latest of the model, then of the best candidates, best first.
        """
        began = awake()
        in_model = frozenset(model_features)
        scores: dict[Feature, ScoredFeature] = {}
        self._score_all(candidates, scores, in_model, limit, FIRST_SHARE)
        if compositions is not None and scores:
            best = sorted(scores, key=lambda f: (-worth(f, scores[f].gain - scores[f].error), str(f)))[:MAX_COMPOSED]
            composable = [
                f
                for f in map(parse, model_features)
                if f.depth <= MOST_DEPTH and (f.depth > 1 or f.columns[1:] or f.measured is not None)
            ]
            sources = [*composable[-MAX_MODEL_FEATURES:], *best]
            self._score_all(compositions(sources), scores, in_model, limit, COMPOSITION_SHARE)
        threshold = float(np.sqrt(2 * np.log(2 * max(len(scores), 10)))) + MARGIN
        first = dict(scores)
        scores, rung = self._climb(scores)
        best_scored = scores[max(scores, key=lambda f: scores[f].z)] if scores else None
        ranked = sorted(scores, key=lambda f: (-worth(f, scores[f].gain), str(f)))
        significant = [f for f in ranked if scores[f].z >= threshold][:MOST_PURSUED]
        drifting = [f for f in significant if self._drifts(f)]
        codes = self._codes([f for f in significant if f not in drifting], rung)
        picks, redundant = pursue(codes, scores, self.sample.rung(rung).scorer, threshold, lambda: self.is_over)
        redundant += [replace(scores[f], status="redundant", reason="not alike in train and test") for f in drifting]
        taken = {p.text for p in (*picks, *redundant)}
        rest = {f: scored for f, scored in first.items() if scored.text not in taken}
        return Screening(
            tuple(picks),
            tuple(scored for f, scored in promising(rest) if not self._drifts(f)),
            tuple(redundant),
            len(first),
            threshold,
            best_scored,
            round(awake() - began, 3),
        )

    def _score_all(
        self,
        candidates: Iterable[Feature],
        scores: dict[Feature, ScoredFeature],
        in_model: frozenset[str],
        limit: int,
        share: float,
    ) -> None:
        """Score candidates on the first rung, into `scores`, until `share` of the time to the deadline is used."""
        now = awake()
        until = now + share * (self.deadline - now) if np.isfinite(self.deadline) else float("inf")
        for candidate in candidates:
            if len(scores) >= limit or awake() >= until:
                return
            if candidate not in scores and str(candidate) not in in_model:
                scored = self._score(candidate, 0)
                scores[candidate] = scored if scored is not None else ScoredFeature(str(candidate), 0.0, 1.0)

    def _climb(self, scores: dict[Feature, ScoredFeature]) -> tuple[dict[Feature, ScoredFeature], int]:
        """Successive halving: the scores of the surviving candidates, and the last rung, on which they were scored."""
        rung = 0
        while rung + 1 < len(RUNGS) and len(self.sample) > RUNGS[rung] and not self.is_over:
            most = max(MIN_KEPT[rung], int(KEEP_SHARES[rung] * len(scores)))
            best = sorted(scores, key=lambda f: (-scores[f].z, str(f)))[:most]
            rung += 1
            on_rung: dict[Feature, ScoredFeature] = {}
            for candidate in best:
                if self.is_over and len(on_rung) >= MOST_PICKS:
                    break
                scored = self._score(candidate, rung)
                if scored is not None:
                    on_rung[candidate] = scored
            scores = on_rung
        return scores, rung

    def _score(self, feature: Feature, rung: int) -> ScoredFeature | None:
        try:
            with np.errstate(all="ignore"):
                return self.sample.score(feature, rung)
        except PipelineError:  # not computable from these values
            return None

    def _drifts(self, feature: Feature) -> bool:
        return not self.test_is_later and drifts(self.sample.frame, feature)

    def _codes(self, features: Sequence[Feature], rung: int) -> dict[Feature, list[Codes]]:
        """The codes on a rung of as many of the features as time and MOST_BYTES allow, at least one."""
        codes_of: dict[Feature, list[Codes]] = {}
        room = MOST_BYTES
        for feature in features:
            if (self.is_over or room < 0) and codes_of:
                break
            codes = self.sample.codes(feature, self.sample.rung(rung))
            codes_of[feature] = [(column.astype(np.int32), size) for column, size in codes]
            room -= sum(column.nbytes for column, _ in codes_of[feature])
        return codes_of
