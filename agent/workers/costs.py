"""Cost model: the expected seconds of a fit, from the family's prior estimate and the fits of this run.

A boosted fit takes its number of rounds times the seconds of a round, and the two are learned separately, each as a
ratio of what was observed to what the family's prior estimate says. The ratio for the seconds of a round is much the
same for all fits of a family on one machine. The path length at which boosting stops early (rounds times learning rate)
depends on the data, and its ratio is shared between families.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import NormalDist, median
from typing import Any

from medalist.agent.workers.threads import Calibration
from medalist.pipelines.estimators.base import FIT_ROWS, Family
from medalist.pipelines.estimators.registry import family
from medalist.pipelines.pipeline import Pipeline
from medalist.pipelines.row_recipe import ADDITIONAL, changes_rows, row_step
from medalist.pipelines.targets.class_view import VIEWS

FASTEST = 0.2  # highest learning rate that is chosen to save time
LEAST_PATH = 60.0  # least path length (rounds times learning rate) that the limit on rounds allows
PATH_MARGIN = 1.5  # most path length of a fit, in multiples of that at which boosting is expected to stop early
REFERENCE_ROWS = 10_000  # training rows for which the sizes of fits are estimated, to be compared
MANY_ROUNDS = 1000.0  # boosting rounds for which sizes are estimated; also those of parameters without "rounds"
EXHAUSTED = 0.97  # share of the limit on rounds, from which on the limit counts as what ended a fit
SIZE_SCALE = 1.0  # difference in the logarithm of two fits' sizes at which one's weight for the other falls to 1/e
AGE_DECAY = 0.9  # weight of a pipeline's fits relative to those of the pipeline of its family that came next
MOST_PIPELINES = 20  # the latest pipelines of each family that count
MOST_SCANNED = 400  # the latest pipelines of all families, among which those are looked for
TRANSFORMED_FITS = 2.0  # plain fits that one with a transformed target takes as long as
VIEWED_COLUMNS = 20  # columns for which the fits of all classes are compared with that of one value
CHAIN_FITS = 3.0  # further fits, on inner folds, of each target of a chain (several targets in sequence) but the last
OTHER_FAMILY = 0.3  # weight of path ratios of another family; those of the same family have up to 1
PRIOR_PATH = 0.5  # weight of the prior estimate of the path length, a ratio of 1, beside those
LOG_STD, LOG_STD_WEIGHT = 0.5, 3.0  # prior standard deviation of log(seconds / estimate), and the fits it counts as
UNOBSERVED_LOG_STD = 0.4  # added to LOG_STD for a family that has not been fitted in this run


@dataclass
class PipelineFits:
    """The fits of one pipeline in this run. The lists have an entry for each fit: the logarithm of an observed value
    divided by the prior estimate of it.

    Attributes
    ----------
    round_ratios: of the seconds, against the estimate for the rounds that were run. Seconds are those of one thread.
    total_ratios: of the seconds, against the estimate for the rounds that were expected.
    path_ratios: of the path length at which boosting stopped early; of a fit that did not, only where that is above 0.
    size: estimated seconds of `MANY_ROUNDS` rounds on `REFERENCE_ROWS` rows.
    single_threaded: whether at least one of the fits had one thread only.
    """

    family: str
    size: float
    single_threaded: bool = False
    round_ratios: list[float] = field(default_factory=list)
    path_ratios: list[float] = field(default_factory=list)
    total_ratios: list[float] = field(default_factory=list)


@dataclass
class Costs:
    """Expected seconds of fitting a pipeline on one fold, in workers of `threads` threads.

    rows: training rows of a fold. outputs: columns of a prediction (W). test_rows, additional_rows: of the test table,
    and of additional training rows. classes: of a class view of the target. n_targets: target columns. calibration: the
    speed of several threads, if measured. observed: the fits of this run by "<pipeline hash> <matrix columns>", in the
    order in which these were first fitted.
    """

    rows: int
    outputs: int
    test_rows: int = 0
    additional_rows: int = 0
    classes: int = 1
    n_targets: int = 1
    threads: int = 1
    calibration: Calibration | None = None
    observed: dict[str, PipelineFits] = field(default_factory=dict)

    def expected_fit_seconds(
        self, fam: Family, columns: int, params: Mapping[str, Any], quantile: float = 0.5, threads: int | None = None
    ) -> float:
        """Expected seconds of one fit of a family on a matrix of `columns` columns, from the fits of the family in this
        run; where it has none, from those of all families.

        `quantile` is the share of fits that are expected to take less: 0.5 for the median, more for an upper bound.
        `threads` is `self.threads` unless given.
        """
        size = self._size(fam, columns, params)
        ratios = [(median(s.round_ratios), _weight(s, fam, size, age)) for s, age in self._with_round_ratios(fam.name)]
        log_ratio = _mean(ratios) if ratios else self._round_ratio_of_all()
        work = self._work(fam, columns, params, self._rounds(fam, columns, params))
        seconds = work * math.exp(log_ratio) / self._speed(fam, self.threads if threads is None else threads)
        return seconds if quantile == 0.5 else seconds * math.exp(self._log_std(fam) * NormalDist().inv_cdf(quantile))

    def expected_fold_seconds(self, pipeline: Pipeline, columns: int) -> float:
        """Expected (median) seconds of a pipeline on one fold, on a matrix of `columns` columns: of all the fits that a
        transformed target, pseudo-labels or a chain of targets need."""
        return self.expected_fit_seconds(family(pipeline.family), columns, pipeline.parameters) * self.fits_per_fold(
            pipeline
        )

    def fits_per_fold(self, pipeline: Pipeline) -> float:
        """How many plain fits on the training rows one fold of a pipeline takes as long as."""
        times = TRANSFORMED_FITS if pipeline.target else 1.0
        if pipeline.target in VIEWS:
            one, all_classes = (
                family(pipeline.family).cost(self.rows, VIEWED_COLUMNS, n, pipeline.parameters)
                for n in (1, self.classes)
            )
            times = max(1.0, all_classes / one)
        if pipeline.pseudo:
            times *= 1 + self.test_rows / self.rows
        if row_step(pipeline.rows, ADDITIONAL):
            times *= 1 + self.additional_rows / self.rows
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
        time_limited: bool = False,
        threads: int = 1,
    ) -> None:
        """Update the model with one fold's fit of `seconds`, with `threads` threads.

        rounds: boosting rounds run per target; None without boosting. time_limited: whether the time limit ended
        boosting, so that it did not stop early. Pipelines whose fold is more than one fit (pseudo-labels, transformed
        or several targets), or on other rows, are not learned from.
        """
        if pipeline.pseudo or pipeline.target or changes_rows(pipeline.rows) or "targets" in pipeline.parameters:
            return
        fam, params = family(pipeline.family), pipeline.parameters
        rounds = rounds if fam.boosted and rounds else None
        prior = fam.cost(min(self.rows, int(params.get(FIT_ROWS, self.rows))), columns, self.outputs, params)
        run = self._rounds(fam, columns, params) if rounds is None else rounds
        done = self._work(fam, columns, params, run) if fam.boosted else prior
        key = f"{pipeline.hash} {columns}"
        fits = self.observed.setdefault(key, PipelineFits(fam.name, self._size(fam, columns, params)))
        if threads > 1 and any(s.single_threaded for s in self.observed.values() if s.family == fam.name):
            expected = self._work(fam, columns, params, self._rounds(fam, columns, params))
            single = self.expected_fit_seconds(fam, columns, params, threads=1) * done / expected
            if self.calibration is not None:
                self.calibration.learn(fam.name, threads, single, seconds)
        else:
            seconds = max(seconds, 1e-3) * self._speed(fam, threads)
            fits.round_ratios.append(math.log(seconds / done))
            fits.total_ratios.append(math.log(seconds / prior))
            fits.single_threaded = fits.single_threaded or threads == 1
        if rounds is not None:
            path = math.log(rounds * _rate(params) / self._prior_path(fam, columns, params))
            stopped_early = not time_limited and rounds < EXHAUSTED * _most_rounds(params) - 2
            if stopped_early or path > 0:
                fits.path_ratios.append(path)

    def params_within(
        self, fam: Family, columns: int, params: Mapping[str, Any], seconds: float, quantile: float = 0.5
    ) -> dict[str, Any] | None:
        """The parameters with which a fit takes at most `seconds`: of a boosted family with a higher learning rate
        where it would take longer, and with the rounds limited. None where it takes longer even so.

        `quantile` is the probability with which the fit has to stay within `seconds`; 0.5 is by the median.
        """
        chosen = dict(params)
        while self.expected_fit_seconds(fam, columns, chosen, quantile) > seconds:
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
        rows = rows or min(self.rows, int(params.get(FIT_ROWS, self.rows)))
        if fam.boosted:  # at a learning rate near 0 no estimate assumes that boosting stops early
            params = {**params, "rounds": rounds, "learning_rate": 1e-12}
        return float(fam.cost(rows, columns, self.outputs, params))

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
        paths = [(median(s.path_ratios), _weight(s, fam, size, age)) for s, age in self._latest() if s.path_ratios]
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
        """The latest pipelines (see MOST_PIPELINES), each with its age: how many of its family were first fitted
        later."""
        ages: dict[str, int] = {}
        for fits in islice(reversed(self.observed.values()), MOST_SCANNED):
            age = ages.get(fits.family, 0)
            ages[fits.family] = age + 1
            if age < MOST_PIPELINES:
                yield fits, age

    def _with_round_ratios(self, name: str | None = None) -> Iterable[tuple[PipelineFits, int]]:
        """Of the latest pipelines of one family, or of all families, those with a round ratio; each with its age."""
        return ((s, age) for s, age in self._latest() if s.round_ratios and name in (None, s.family))

    def _round_ratio_of_all(self) -> float:
        """The median over all families of their median round ratio (a logarithm); 0 before the first fit."""
        ratios: dict[str, list[float]] = {}
        for fits, _ in self._with_round_ratios():
            ratios.setdefault(fits.family, []).append(median(fits.round_ratios))
        return median(median(family_ratios) for family_ratios in ratios.values()) if ratios else 0.0

    def _log_std(self, fam: Family) -> float:
        """Predictive standard deviation of log(seconds / estimate) of a fit: the sample's, shrunk towards a prior."""
        logs = [median(s.total_ratios) for s, _ in self._with_round_ratios(fam.name)]
        squares = sum((x - sum(logs) / len(logs)) ** 2 for x in logs)
        prior = LOG_STD if logs else LOG_STD + UNOBSERVED_LOG_STD
        variance = (LOG_STD_WEIGHT * prior**2 + squares) / (LOG_STD_WEIGHT + max(0, len(logs) - 1))
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
