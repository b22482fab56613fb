"""Cost model: the expected seconds of a fit, from the family's prior estimate and the fits of this run.

A boosted fit costs its number of rounds times the seconds of a round, and the two are learned separately. The pace
(observed seconds divided by the prior estimate for the rounds that were run) is much the same for all fits of a family
on one machine. The path length at which boosting stops early (rounds times learning rate) depends on the data, and is
shared between families.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import NormalDist, median
from typing import Any

from medalist.agent.workers.threads import Calibration
from medalist.pipelines.estimators.base import Family
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.pipeline import Pipeline

FASTEST = 0.2  # the highest learning rate that is chosen to save time
LEAST_PATH = 60.0  # rounds times learning rate that a fit is allowed at least, if it does not stop early
PATH_MARGIN = 1.5  # times the path length at which boosting is expected to stop, that a fit is allowed
REFERENCE_ROWS = 10_000  # at which the sizes of fits are compared
MANY_ROUNDS = 1000.0  # at which the seconds of a round are estimated; also the rounds of a fit that names none
EXHAUSTED = 0.97  # share of the allowed rounds from which on a fit did not stop early, but was ended
SIZE_SCALE = 1.0  # difference in the logarithm of two fits' sizes at which one's weight for the other falls to 1/e
AGE_DECAY = 0.9  # weight of a pipeline's fits, relative to those of the next pipeline of its family
MOST_PIPELINES = 20  # the latest pipelines of each family that count
MOST_SCANNED = 400  # the latest pipelines of all families, among which those are looked for
TRANSFORMED_FITS = 2.0  # fits that a transformed target costs: its transformation is fitted first
CHAIN_FITS = 3.0  # further fits of each target of a chain but the last, for its inner folds
OTHER_FAMILY = 0.3  # weight of another family's path lengths
PRIOR_PATH = 0.5  # weight of the family's prior estimate of the path length
SPREAD, SPREAD_WEIGHT = 0.5, 3.0  # prior standard deviation of the log seconds about the estimate; fits it counts as
UNOBSERVED_SPREAD = 0.4  # added to it for a family that has not been fitted in this run


@dataclass
class PipelineFits:
    """The fits of one pipeline in this run, one list entry a fit, as logarithms of observed divided by prior values.

    paces: seconds, for the rounds that were run. paths: path lengths at which boosting stopped early, where it did.
    totals: seconds, for the rounds that were expected. Seconds are those of one thread. size: estimated seconds of
    `MANY_ROUNDS` rounds on `REFERENCE_ROWS` rows. single_threaded: whether some fits had one thread.
    """

    family: str
    size: float
    single_threaded: bool = False
    paces: list[float] = field(default_factory=list)
    paths: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)


@dataclass
class Costs:
    """Expected seconds of fitting a pipeline on one fold, in workers of `threads` threads.

    rows: training rows of a fold. outputs: columns of a prediction (W). test_rows: rows of the test table. n_targets:
    target columns. calibration: the speed of several threads, if measured. observed: the fits of this run by pipeline
    and width, in the order in which these were first fitted.
    """

    rows: int
    outputs: int
    test_rows: int = 0
    n_targets: int = 1
    threads: int = 1
    calibration: Calibration | None = None
    observed: dict[str, PipelineFits] = field(default_factory=dict)

    def guess(
        self, fam: Family, columns: int, params: Mapping[str, Any], quantile: float = 0.5, threads: int | None = None
    ) -> float:
        """Seconds of one fit of a family on `columns` columns, by the fits of the family so far, else of all families.

        `quantile` is the share of fits that are expected to take less: 0.5 for the median, more for an upper bound.
        `threads` is `self.threads` unless given.
        """
        size = self._size(fam, columns, params)
        paces = [(median(s.paces), _weight(s, fam, size, age)) for s, age in self._with_paces(fam.name)]
        pace = _mean(paces) if paces else self._pace_of_others()
        work = self._work(fam, columns, params, self._rounds(fam, columns, params))
        seconds = work * math.exp(pace) / self._speed(fam, self.threads if threads is None else threads)
        return seconds if quantile == 0.5 else seconds * math.exp(self._spread(fam) * NormalDist().inv_cdf(quantile))

    def guess_of(self, pipeline: Pipeline, columns: int) -> float:
        """Median seconds of one fold of a pipeline on `columns` columns, with all the fits that it needs."""
        return self.guess(family(pipeline.family), columns, pipeline.parameters) * self.times(pipeline)

    def times(self, pipeline: Pipeline) -> float:
        """How many fits on the training rows a pipeline's fold is worth in time."""
        times = TRANSFORMED_FITS if pipeline.target else 1.0
        if pipeline.pseudo:
            times *= 1 + self.test_rows / self.rows
        if pipeline.parameters.get("targets") == "chained":
            times *= 1 + CHAIN_FITS * (1 - 1 / self.n_targets)
        return times

    def learn(
        self,
        pipeline: Pipeline,
        columns: int,
        seconds: float,
        *,
        rounds: float | None = None,
        cut: bool = False,
        threads: int = 1,
    ) -> None:
        """Update the model with one fold's fit of `seconds`, with `threads` threads.

        rounds: boosting rounds run per target, where the family has any. cut: whether the clock ended them. Pipelines
        whose fold is more than one fit (pseudo-labels, transformed or several targets) are not learned from.
        """
        if pipeline.pseudo or pipeline.target or "targets" in pipeline.parameters:
            return
        fam, params = family(pipeline.family), pipeline.parameters
        rounds = rounds if fam.boosted and rounds else None
        prior = fam.cost(self.rows, columns, self.outputs, params)
        run = self._rounds(fam, columns, params) if rounds is None else rounds
        done = self._work(fam, columns, params, run) if fam.boosted else prior
        key = f"{pipeline.hash} {columns}"
        fits = self.observed.setdefault(key, PipelineFits(fam.name, self._size(fam, columns, params)))
        if threads > 1 and any(s.single_threaded for s in self.observed.values() if s.family == fam.name):
            expected = self._work(fam, columns, params, self._rounds(fam, columns, params))
            single = self.guess(fam, columns, params, threads=1) * done / expected
            if self.calibration is not None:
                self.calibration.learn(fam.name, threads, single, seconds)
        else:
            seconds = max(seconds, 1e-3) * self._speed(fam, threads)
            fits.paces.append(math.log(seconds / done))
            fits.totals.append(math.log(seconds / prior))
            fits.single_threaded = fits.single_threaded or threads == 1
        if rounds is not None:
            path = math.log(rounds * _rate(params) / self._prior_path(fam, columns, params))
            stopped_early = not cut and rounds < EXHAUSTED * _most_rounds(params) - 2
            if stopped_early or path > 0:
                fits.paths.append(path)

    def thrifty(
        self, fam: Family, columns: int, params: Mapping[str, Any], seconds: float, quantile: float = 0.5
    ) -> dict[str, Any] | None:
        """The parameters, with a higher learning rate and fewer rounds where a fold would take more than `seconds`.

        Only boosted families can be shortened. None where the fold does not fit into `seconds` even so. `quantile` is
        the share of fits that have to stay within them.
        """
        chosen = dict(params)
        while self.guess(fam, columns, chosen, quantile) > seconds:
            if not fam.boosted or _rate(chosen) >= FASTEST:
                return None
            chosen["learning_rate"] = round(min(FASTEST, _rate(chosen) * 1.3), 4)
        if fam.boosted and math.isfinite(seconds):
            path = max(LEAST_PATH, PATH_MARGIN * self._path(fam, columns, chosen))
            chosen["rounds"] = int(min(_most_rounds(chosen), max(60, path / _rate(chosen))))
        return chosen

    # estimates of a fit's parts

    def _work(self, fam: Family, columns: int, params: Mapping[str, Any], rounds: float, rows: int = 0) -> float:
        """The family's prior estimate of seconds for exactly `rounds` rounds, on `rows` rows or those of a fold."""
        if fam.boosted:  # at a learning rate near 0 no estimate assumes that boosting stops early
            params = {**params, "rounds": rounds, "learning_rate": 1e-12}
        return float(fam.cost(rows or self.rows, columns, self.outputs, params))

    def _size(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """Prior seconds of `MANY_ROUNDS` rounds on `REFERENCE_ROWS` rows, by which fits are compared."""
        return self._work(fam, columns, params, MANY_ROUNDS, REFERENCE_ROWS)

    def _rounds(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """Rounds that boosting is expected to run, its patience for early stopping included; 0 without boosting."""
        if not fam.boosted:
            return 0.0
        return min(_most_rounds(params), self._path(fam, columns, params) / _rate(params))

    def _path(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """Rounds times learning rate at which boosting is expected to stop early."""
        size = self._size(fam, columns, params)
        paths = [(median(s.paths), _weight(s, fam, size, age)) for s, age in self._latest() if s.paths]
        return self._prior_path(fam, columns, params) * math.exp(_mean([(0.0, PRIOR_PATH), *paths]))

    def _prior_path(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """The path length at which boosting stops early that the family's prior estimate of seconds implies."""
        none, many = (self._work(fam, columns, params, r, REFERENCE_ROWS) for r in (0.0, MANY_ROUNDS))
        whole = fam.cost(REFERENCE_ROWS, columns, self.outputs, {**params, "rounds": 1e9})
        return max(1.0, MANY_ROUNDS * (whole - none) / (many - none) * _rate(params))

    def _speed(self, fam: Family, threads: int) -> float:
        """How many times as fast as with one thread a fit of the family is with `threads`."""
        return 1.0 if self.calibration is None else self.calibration.speed(threads, fam.name)

    # the fits of this run

    def _latest(self) -> Iterable[tuple[PipelineFits, int]]:
        """The latest pipelines, each with its age: how many of the same family were first fitted after it."""
        ages: dict[str, int] = {}
        for fits in islice(reversed(self.observed.values()), MOST_SCANNED):
            age = ages.get(fits.family, 0)
            ages[fits.family] = age + 1
            if age < MOST_PIPELINES:
                yield fits, age

    def _with_paces(self, name: str | None = None) -> Iterable[tuple[PipelineFits, int]]:
        """Those of one family, or of all, that have an observed pace."""
        return ((s, age) for s, age in self._latest() if s.paces and name in (None, s.family))

    def _pace_of_others(self) -> float:
        """The median over families of their median log pace; 0 before the first fit."""
        paces: dict[str, list[float]] = {}
        for fits, _ in self._with_paces():
            paces.setdefault(fits.family, []).append(median(fits.paces))
        return median(median(family_paces) for family_paces in paces.values()) if paces else 0.0

    def _spread(self, fam: Family) -> float:
        """Predictive standard deviation of the log seconds: the sample's, shrunk towards a prior."""
        logs = [median(s.totals) for s, _ in self._with_paces(fam.name)]
        squares = sum((x - sum(logs) / len(logs)) ** 2 for x in logs)
        prior = SPREAD if logs else SPREAD + UNOBSERVED_SPREAD
        variance = (SPREAD_WEIGHT * prior**2 + squares) / (SPREAD_WEIGHT + max(0, len(logs) - 1))
        return math.sqrt(variance * (1 + 1 / (1 + len(logs))))


def _rate(params: Mapping[str, Any]) -> float:
    return float(params.get("learning_rate", 0.1))


def _most_rounds(params: Mapping[str, Any]) -> float:
    return float(params.get("rounds", MANY_ROUNDS))


def _weight(fits: PipelineFits, fam: Family, size: float, age: int) -> float:
    """Weight of a pipeline's fits in an estimate for a fit of this family and size."""
    if fits.family != fam.name:
        return OTHER_FAMILY * AGE_DECAY**age
    distance = abs(math.log(fits.size / size))
    return AGE_DECAY**age * math.exp(-min(distance / SIZE_SCALE, 20.0))


def _mean(weighted: Sequence[tuple[float, float]]) -> float:
    """Mean of (value, weight) pairs."""
    return sum(value * weight for value, weight in weighted) / sum(weight for _, weight in weighted)
