"""What a fit costs: each family's own guess, corrected by what this run has seen.

A boosted fit costs its rounds times what a round costs. Both are corrected apart from each other: the pace (seconds
against the family's guess for the rounds that were run) is much the same for all fits of a family on one machine; how
far boosting travels until it stops early (rounds times learning rate) depends on the data, and is shared by families.
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

FASTEST = 0.2  # learning rates are not raised beyond this to save time
LONGEST = 60.0  # rounds times learning rate that a fit is given at least, before it has to stop early
BEYOND = 1.5  # times what boosting has travelled so far
REFERENCE_ROWS = 10_000  # at which sizes of fits are compared
MANY_ROUNDS = 1000.0
ENDED = 0.97  # of the rounds that were allowed: a fit that ran so many would have gone on
NEAR = 1.0  # in the logarithm of a fit's size: how far off another still tells much
OLDER = 0.9  # what a pipeline's fits count beside those of the next one
MOST_SEEN = 20  # pipelines of a family that count
MOST_LOOKED_AT = 400  # the latest pipelines of all families, among which they are found
INNER = 2.0  # fits more that a transformed target costs: of linear models, or of the halves of the training part
CHAIN = 3.0  # and each target of a chain but the last, for its inner folds
OTHER_FAMILY = 0.3  # what another family's way to travel counts
OWN_GUESS = 0.5  # what the family's own guess of it counts
SPREAD, SPREAD_WEIGHT = 0.5, 3.0  # of the logarithm of seconds about the guess, and the fits that this counts as
STRANGE = 0.4  # further spread of a family that has not been seen


@dataclass
class Seen:
    """One pipeline's fits, each as logarithms against what its family guesses.

    paces: of seconds for the rounds that were run; further: of rounds until it stopped early, where it did; whole: of
    seconds altogether, as with one thread. `size` is what a round costs, whatever the rows; `alone`: whether some were
    of one thread.
    """

    family: str
    size: float
    alone: bool = False
    paces: list[float] = field(default_factory=list)
    further: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


@dataclass
class Costs:
    """Seconds of one fold's fit, in children of `threads` threads.

    `seen` holds the fits of this run by pipeline, in the order in which the pipelines were first seen.
    """

    rows: int
    outputs: int
    test_rows: int = 0
    n_targets: int = 1
    threads: int = 1
    calibration: Calibration | None = None
    seen: dict[str, Seen] = field(default_factory=dict)

    def guess(
        self, fam: Family, columns: int, params: Mapping[str, Any], quantile: float = 0.5, threads: int | None = None
    ) -> float:
        """Seconds of one fold, corrected by this run's earlier fits of the family, else of all families.

        With `quantile` above a half an upper estimate: one that so large a part of fits stays below.
        """
        size = self._size(fam, columns, params)
        told = [(median(s.paces), _near(s, fam, size, age)) for s, age in self._paced(fam.name)]
        pace = _mean(told) if told else self._pace_of_others()
        work = self._work(fam, columns, params, self._rounds(fam, columns, params))
        seconds = work * math.exp(pace) / self._speed(fam, self.threads if threads is None else threads)
        return seconds if quantile == 0.5 else seconds * math.exp(self._spread(fam) * NormalDist().inv_cdf(quantile))

    def guess_of(self, pipeline: Pipeline, columns: int) -> float:
        """Seconds of one fold of a pipeline, with what it does beside one fit on the training rows."""
        return self.guess(family(pipeline.family), columns, pipeline.parameters) * self.times(pipeline)

    def times(self, pipeline: Pipeline) -> float:
        """How many fits on the training rows a pipeline's fit costs."""
        times = INNER if pipeline.target else 1.0
        if pipeline.pseudo:
            times *= 1 + self.test_rows / self.rows
        if pipeline.parameters.get("targets") == "chained":
            times *= 1 + CHAIN * (1 - 1 / self.n_targets)
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
        """Take in what one fold's fit cost.

        rounds: those that were run for each target, where the family has any. cut: whether the clock ended them.
        What is more than one fit on the training rows, see `guess_of`, tells nothing of other pipelines.
        """
        if pipeline.pseudo or pipeline.target or "targets" in pipeline.parameters:
            return
        fam, params = family(pipeline.family), pipeline.parameters
        rounds = rounds if fam.boosted and rounds else None
        own = fam.cost(self.rows, columns, self.outputs, params)
        run = self._rounds(fam, columns, params) if rounds is None else rounds
        done = self._work(fam, columns, params, run) if fam.boosted else own
        seen = self.seen.setdefault(f"{pipeline.hash} {columns}", Seen(fam.name, self._size(fam, columns, params)))
        if threads > 1 and any(s.alone for s in self.seen.values() if s.family == fam.name):
            usual = self._work(fam, columns, params, self._rounds(fam, columns, params))
            alone = self.guess(fam, columns, params, threads=1) * done / usual
            if self.calibration is not None:
                self.calibration.learn(fam.name, threads, alone, seconds)
        else:
            seconds = max(seconds, 1e-3) * self._speed(fam, threads)
            seen.paces.append(math.log(seconds / done))
            seen.whole.append(math.log(seconds / own))
            seen.alone = seen.alone or threads == 1
        if rounds is not None:
            further = math.log(rounds * _rate(params) / self._own_travel(fam, columns, params))
            stopped = not cut and rounds < ENDED * _most(params) - 2  # by itself
            if stopped or further > 0:
                seen.further.append(further)

    def thrifty(
        self, fam: Family, columns: int, params: Mapping[str, Any], seconds: float, quantile: float = 0.5
    ) -> dict[str, Any] | None:
        """Parameters whose fold fits into `seconds`: a boosted family learns faster and shorter. None where none do."""
        chosen = dict(params)
        while self.guess(fam, columns, chosen, quantile) > seconds:
            if not fam.boosted or _rate(chosen) >= FASTEST:
                return None
            chosen["learning_rate"] = round(min(FASTEST, _rate(chosen) * 1.3), 4)
        if fam.boosted and math.isfinite(seconds):
            longest = max(LONGEST, BEYOND * self._travel(fam, columns, chosen))
            chosen["rounds"] = int(min(_most(chosen), max(60, longest / _rate(chosen))))
        return chosen

    # what a fit's parts are guessed to be

    def _work(self, fam: Family, columns: int, params: Mapping[str, Any], rounds: float, rows: int = 0) -> float:
        """The family's guess of seconds for exactly so many rounds: none stops early at no learning rate."""
        told = {**params, "rounds": rounds, "learning_rate": 1e-12} if fam.boosted else params
        return float(fam.cost(rows or self.rows, columns, self.outputs, told))

    def _size(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """What a round costs, whatever the rows."""
        return self._work(fam, columns, params, MANY_ROUNDS, REFERENCE_ROWS)

    def _rounds(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """Rounds that boosting is guessed to run, those until it is seen that it may stop included."""
        if not fam.boosted:
            return 0.0
        return min(_most(params), self._travel(fam, columns, params) / _rate(params))

    def _travel(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """Rounds times learning rate at which boosting stops early."""
        size = self._size(fam, columns, params)
        told = [(median(s.further), _near(s, fam, size, age)) for s, age in self._latest() if s.further]
        return self._own_travel(fam, columns, params) * math.exp(_mean([(0.0, OWN_GUESS), *told]))

    def _own_travel(self, fam: Family, columns: int, params: Mapping[str, Any]) -> float:
        """The same, as the family's guess of seconds has it."""
        none, many = (self._work(fam, columns, params, r, REFERENCE_ROWS) for r in (0.0, MANY_ROUNDS))
        whole = fam.cost(REFERENCE_ROWS, columns, self.outputs, {**params, "rounds": 1e9})
        return max(1.0, MANY_ROUNDS * (whole - none) / (many - none) * _rate(params))

    def _speed(self, fam: Family, threads: int) -> float:
        """How many times as fast as with one thread."""
        return 1.0 if self.calibration is None else self.calibration.speed(threads, fam.name)

    # what was seen

    def _latest(self) -> Iterable[tuple[Seen, int]]:
        """The last pipelines that were seen, and how many of the same family came after each."""
        ages: dict[str, int] = {}
        for seen in islice(reversed(self.seen.values()), MOST_LOOKED_AT):
            age = ages.get(seen.family, 0)
            ages[seen.family] = age + 1
            if age < MOST_SEEN:
                yield seen, age

    def _paced(self, name: str | None = None) -> Iterable[tuple[Seen, int]]:
        """Those of one family, or of all, whose seconds are known."""
        return ((s, age) for s, age in self._latest() if s.paces and name in (None, s.family))

    def _pace_of_others(self) -> float:
        """The median pace of the families that were seen; 0 where there is none."""
        paces: dict[str, list[float]] = {}
        for seen, _ in self._paced():
            paces.setdefault(seen.family, []).append(median(seen.paces))
        return median(median(told) for told in paces.values()) if paces else 0.0

    def _spread(self, fam: Family) -> float:
        """Standard deviation of the logarithm of seconds about the guess: what was seen, drawn to what is usual."""
        logs = [median(s.whole) for s, _ in self._paced(fam.name)]
        squares = sum((x - sum(logs) / len(logs)) ** 2 for x in logs)
        usual = SPREAD if logs else SPREAD + STRANGE
        variance = (SPREAD_WEIGHT * usual**2 + squares) / (SPREAD_WEIGHT + max(0, len(logs) - 1))
        return math.sqrt(variance * (1 + 1 / (1 + len(logs))))


def _rate(params: Mapping[str, Any]) -> float:
    return float(params.get("learning_rate", 0.1))


def _most(params: Mapping[str, Any]) -> float:
    return float(params.get("rounds", MANY_ROUNDS))


def _near(seen: Seen, fam: Family, size: float, age: int) -> float:
    """How much a pipeline's fits tell of one of this family and size."""
    if seen.family != fam.name:
        return OTHER_FAMILY * OLDER**age
    apart = abs(math.log(seen.size / size))
    return OLDER**age * math.exp(-min(apart / NEAR, 20.0))


def _mean(told: Sequence[tuple[float, float]]) -> float:
    """Weighted mean of (value, weight)."""
    return sum(value * weight for value, weight in told) / sum(weight for _, weight in told)
