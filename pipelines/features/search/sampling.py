"""The rows on which candidates are scored: nested samples of growing size, and the score of a feature on each.

A candidate is scored by the share of the residual's variance that its bins or categories explain (`scoring`). It needs
one pass over the rows, detects effects that are not monotone, does not favour or penalise categories of many levels,
and comes with a standard error.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import numpy as np

from medalist.competitions.errors import PipelineError
from medalist.competitions.folds.make import assign_groups
from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.source import Source
from medalist.pipelines.features.frames.target import Target
from medalist.pipelines.features.language.expression import Feature, feature
from medalist.pipelines.features.language.registry import kind_of, looks_at_other_rows, operator_of
from medalist.pipelines.features.schema import Schema
from medalist.pipelines.features.search.drift import share_new_in_test
from medalist.pipelines.features.search.scoring import ScoredFeature, Scorer, binned, coarse, widest
from medalist.pipelines.features.search.whole_keys import rows_of_whole_keys

RUNGS = (6_000, 24_000, 96_000, 384_000)  # rows of each sample
MOST_TARGETS = (3, 8, 8, 8)  # columns of the residual used on each sample, at most: those of the largest variance
ROWS_PER_LEVEL = 6  # rows of the first sample per level of a key, below which it is scored on all rows at once
MAX_NEW_IN_TEST = 0.7  # share of test rows with a key that train never has, above which a target mean is not scored
RUNG_BYTES = 256 << 20  # bytes of intermediate results that the frame of a rung caches
FRAME_ROWS = 500_000  # rows of train and test on which candidates are computed; of larger tables a sample

Codes = tuple[np.ndarray, int]  # bins or categories (m,) from 0, and how many there are


@dataclass(frozen=True)
class Rung:
    """One sample of m rows.

    positions: (m,) positions of the rows in the sample's frame. scorer, target_scorer: they score by the residual and
    by the target on these rows. frame: of these rows alone, in ascending order.
    """

    positions: np.ndarray
    scorer: Scorer
    target_scorer: Scorer
    frame: Frame


@dataclass
class Sample:
    """Rows of train in random order; each rung has the first RUNGS[k] of them.

    rows: (s,) positions of the train rows that may be used. residual: (s, T) the residuals of the current model, and
    target: (s, T) its targets, both on the fitted scale. units: (s,) codes of units whose rows err together, such as
    groups or stretches of time that folds hold out as a whole; None where rows are independent, or of one unit only.
    schema: types of the columns, by which the key is found whose values a sample of a larger table has with all their
    rows; None for a sample of rows.
    """

    source: Source
    rows: np.ndarray
    residual: np.ndarray
    target: np.ndarray
    seed: int = 0
    units: np.ndarray | None = None
    schema: Schema | None = None
    frame: Frame = field(init=False)  # over all rows of train and test, or over a sample of them that holds `rows`

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        of_frame = self._whole_keys()
        usable = len(self.rows) if of_frame is None else np.flatnonzero(np.isin(self.rows, of_frame))
        order = rng.permutation(usable)[: RUNGS[-1]]
        self.positions = self.rows[order]
        self.residual, self.target = self.residual[order], self.target[order]
        self._half = rng.integers(0, 2, len(order))
        if self.units is not None:
            self.units = np.unique(self.units[order], return_inverse=True)[1]
            if self.units.max(initial=0) > 0:
                self._half = assign_groups(self.units, 2, rng, shuffled=True)
            else:
                self.units = None
        if self.source.n_rows > FRAME_ROWS:
            if of_frame is None:
                others = rng.choice(self.source.n_rows, FRAME_ROWS, replace=False)
                of_frame = np.unique(np.concatenate([others, self.positions]))
            self.positions = np.searchsorted(of_frame, self.positions)
        self.frame = Frame(self.source, rows=of_frame)
        self._rungs: dict[int, Rung] = {}
        self._gains_of_columns: dict[tuple[str, int], float] = {}

    def __len__(self) -> int:
        return len(self.positions)

    def _whole_keys(self) -> np.ndarray | None:
        """The rows of a sample of whole keys, in order; None where all rows fit, no key is there, or too few of `rows`
        would be left."""
        if self.schema is None or self.source.n_rows <= FRAME_ROWS:
            return None
        found = rows_of_whole_keys(self.source, self.schema, FRAME_ROWS, np.random.default_rng(self.seed))
        share = FRAME_ROWS / self.source.n_rows
        enough = found is not None and np.isin(self.rows, found).sum() >= share * len(self.rows) / 2
        return found if enough else None

    @property
    def last_rung(self) -> int:
        """The index of the smallest rung that holds all rows, else of the largest."""
        return next((k for k, rows in enumerate(RUNGS) if rows >= len(self)), len(RUNGS) - 1)

    def rung(self, k: int) -> Rung:
        """The k-th sample, cached."""
        if k not in self._rungs:
            positions = self.positions[: RUNGS[k]]
            m, most = len(positions), MOST_TARGETS[k]
            in_order = np.sort(positions)
            target = self.target[:m]
            units = None if self.units is None else self.units[:m]
            self._rungs[k] = Rung(
                positions,
                Scorer(widest(self.residual[:m], most), self._half[:m], units),
                Scorer(widest(target - target.mean(axis=0), most), self._half[:m], units),
                Frame(self.source, in_order if self.frame.rows is None else self.frame.rows[in_order], RUNG_BYTES),
            )
        return self._rungs[k]

    def codes(self, feature: Feature, rung: Rung, y: np.ndarray | None = None) -> list[Codes]:
        """The bins or categories of a rung's rows by a feature: pairs (codes, number of codes), one for each column and
        binning.

        A supervised feature is fitted on `y` (m, T), by default on the residual. A target mean is represented by its
        key; it has no codes where most test rows have a new key.
        """
        if feature.op == "target_mean":
            return self._codes_of_key(feature, rung)
        values = self._values(feature, rung, y)
        if operator_of(feature).gives == "category":
            codes = np.where(np.isnan(values[:, 0]), -1, values[:, 0]).astype(np.int64) + 1
            return [(codes, int(codes.max()) + 1)]
        bins = rung.scorer.bins
        fine = [binned(values[:, j].astype(np.float64, copy=False), bins) for j in range(values.shape[1])]
        return [*fine, *(merged for one in fine if (merged := coarse(*one)) is not None)]

    def _codes_of_key(self, feature: Feature, rung: Rung) -> list[Codes]:
        key = self.frame.key(feature.args[0])
        if share_new_in_test(self.frame, key) > MAX_NEW_IN_TEST:
            return []
        codes = key.codes[rung.positions]
        if key.size > len(rung.positions):  # fewer codes than levels: keep the tables short
            present, codes = np.unique(codes, return_inverse=True)
            return [(codes, len(present))]
        return [(codes, key.size)]

    def _values(self, feature: Feature, rung: Rung, y: np.ndarray | None) -> np.ndarray:
        """(m, k) values of a feature for the rows of a rung."""
        kind = kind_of(feature)
        if kind == "supervised":
            target = Target(rung.positions, rung.scorer.residual if y is None else y, 0, self.seed)
            return self.frame.fitted_on(target).value(feature).reshape(self.frame.n, -1)[rung.positions]
        if looks_at_other_rows(feature):
            return np.asarray(self.frame.value(feature)).reshape(self.frame.n, -1)[rung.positions]
        in_order = np.asarray(rung.frame.value(feature), dtype=np.float64).reshape(len(rung.positions), -1)
        values = np.empty_like(in_order)
        values[np.argsort(rung.positions, kind="stable")] = in_order
        return values

    def score(self, feature: Feature, k: int = 0) -> ScoredFeature | None:
        """A candidate's score on the k-th rung, for the column and binning with the largest z-score; None for a
        constant.

        On the first rung its synergy is measured too. A target mean by a key of many levels is scored on all rows at
        once: in a small sample hardly any level would occur twice. PipelineError where the feature cannot be computed
        from these values.
        """
        is_mean, is_first = feature.op == "target_mean", k == 0
        if is_mean and self.frame.key(feature.args[0]).size > len(self.rung(0).positions) // ROWS_PER_LEVEL:
            k = self.last_rung
        rung = self.rung(k)
        best: ScoredFeature | None = None
        by_target: Codes | None = None
        if is_first and kind_of(feature) == "supervised" and not is_mean:
            by_target = self.codes(feature, rung, rung.target_scorer.residual)[0]
        for codes, size in self.codes(feature, rung):
            if size < 2 or codes.min() == codes.max():
                continue
            gain, error = rung.scorer.gain(codes, size)
            synergy = 0.0
            if is_first:
                explained = rung.target_scorer.gain(*(by_target or (codes, size)))[0]
                synergy = explained - max((self._gain_of_column(c, k) for c in feature.columns), default=0.0)
            scored = ScoredFeature(str(feature), gain, error, synergy=synergy)
            if best is None or scored.z > best.z:
                best = scored
        return best

    def _gain_of_column(self, name: str, k: int) -> float:
        """The share of the target's variance that a column explains alone, as a number or a key, on the k-th rung."""
        if (name, k) not in self._gains_of_columns:
            best = 0.0
            for alone in (feature("number", name), feature("target_mean", name)):
                with contextlib.suppress(PipelineError):
                    for codes, size in self.codes(alone, self.rung(k)):
                        best = max(best, self.rung(k).target_scorer.gain(codes, size)[0])
            self._gains_of_columns[name, k] = best
        return self._gains_of_columns[name, k]
