"""Places: the score that a submission will have among the teams of a board, as a distribution.

A known score S is not the score T by which teams are ranked. Their difference, better being positive, is a mixture of
two normal distributions with one mean (Tukey's contaminated normal, 1960), all in units of the standard error e of S:

    (T - S) / e  ~  Normal(SHIFT, CORE² + rows / test_rows)   with probability 1 - WIDE_SHARE
                    Normal(SHIFT, WIDE² + rows / test_rows)   with probability WIDE_SHARE

for a score by cross-validation on `rows` rows. The parts:

- the noise of the estimate, 1 of CORE²: e is what another draw of the rows that it is on would move it by;
- the size of the test set: on a draw of m rows a score varies by e √(rows / m). What counts are the rows that rank the
  teams at the end, the private ones where their share is known;
- from the estimate to the test, the rest of CORE² and all of SHIFT: models of a fold are fitted to fewer rows than the
  final predictions (pessimistic), and what is estimated was chosen by estimates (optimistic). A run shows the sum
  of the two alone, so that one number stands for it;
- test rows that are not like train's (another year): WIDE, which happens with WIDE_SHARE.

Of a score on a holdout of h rows: Normal(0, 1 + h / test_rows), since the board's scores are on other rows of the same
kind; a score that is given to be ranked: Normal(0, 1), its error is what the person says.

Teams are ranked on the same rows, so that an easy test set lifts them together. Of a board with final scores that makes
nothing surer: its thresholds are as they are, nobody knows if the rows that gave them were easy, and T still varies
with those rows. Where all are ranked anew on other rows, it does: thresholds near a score move with it, and their
difference varies by PAIRED of what a score does alone. That is the shake-up

- from a public leaderboard to the private one (`public_share`), of p rows: in place of rows / test_rows comes
  rows / p + PAIRED² rows / test_rows, since the thresholds that are seen have the noise of the public rows;
- of a field of models whose scores are on the holdout itself (`same_rows`): Normal(0, PAIRED² (1 + h / test_rows)).

The constants are fitted by maximum likelihood to runs on competitions and re-cuts of them: see docs/calibration.md,
which shows how well the stated intervals and chances hold on competitions that they were not fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Basis = Literal["cross-validation", "holdout", "given"]

#: Half the width of a normal 80 % interval, in standard errors.
EIGHTY_PERCENT = 1.2815515655446004
#: Probability of a medal, and of none, of an estimate whose noise rules it out: an estimate is never certain.
MIN_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Constants:
    """The fitted numbers of the model above (`benchmarks/calibration.py --fit` prints them)."""

    shift: float
    core: float
    wide: float
    wide_share: float
    paired: float


FITTED = Constants(shift=0.47, core=2.0, wide=5.98, wide_share=0.058, paired=0.58)
PUBLIC_SHARE = 0.2  # of the test rows, where that of a public leaderboard is not known: Kaggle's usual one
ROWS_PER_TEST_ROW = 4.0  # of train, where a standing's numbers of rows are not known: a test set of a fifth


@dataclass(frozen=True)
class ScoreNoise:
    """Distribution of the score among teams minus the known one, better being positive, in the unit of the score.

    shift: its mean. core, wide: standard deviations of its two parts. wide_share: probability of the wide one.
    """

    shift: float
    core: float
    wide: float
    wide_share: float

    @property
    def certain(self) -> bool:
        """Whether there is no noise at all."""
        return self.core == 0 and self.wide == 0

    def at_least(self, margin: float) -> float:
        """Probability that the score is better than the known one by `margin` or more, which may be negative.

        At least MIN_PROBABILITY from 0 and 1 where there is any noise.
        """
        if self.certain:
            return 1.0 if self.shift >= margin else 0.0
        chance = (1 - self.wide_share) * _beyond(margin - self.shift, self.core)
        chance += self.wide_share * _beyond(margin - self.shift, self.wide)
        return min(max(chance, MIN_PROBABILITY), 1 - MIN_PROBABILITY)

    def half_width(self, coverage: float = 0.8) -> float:
        """The distance from the mean within which the score lies with probability `coverage`."""
        if self.certain:
            return 0.0
        outside = (1 - coverage) / 2
        low, high = 0.0, 40 * max(self.core, self.wide)
        for _ in range(60):
            middle = (low + high) / 2
            if self.at_least(self.shift + middle) > outside:
                low = middle
            else:
                high = middle
        return high

    def interval(self, coverage: float = 0.8) -> tuple[float, float]:
        """Ends, worse one first, of the central interval, widened to the known score where that lies outside."""
        half = self.half_width(coverage)
        return min(self.shift - half, 0.0), max(self.shift + half, 0.0)

    def interval_of_places(self, best: float, last: float, coverage: float = 0.8) -> tuple[float, float]:
        """Ends, worse one first, of the scores whose places are held with probability `coverage`, widened to the known
        score where that lies outside.

        All scores above the best team's have one place, as have those below the last team's: where an end lies there,
        what is beyond it is held too, and the other end draws nearer, to leave out as much as both did. As far as it
        keeps the same distance from the mean as the one team does, so that more noise never narrows the interval.

        best, last: by how much the known score has to improve to be the best team's, and the last one's.
        """
        both, one = self.half_width(coverage), self.half_width(2 * coverage - 1)
        worse = max(one, min(both, best - self.shift))
        better = max(one, min(both, self.shift - last))
        return min(self.shift - worse, 0.0), max(self.shift + better, 0.0)


def score_noise(
    basis: Basis,
    standard_error: float,
    rows: int | None = None,
    test_rows: int | None = None,
    same_rows: bool = False,
    public_share: float | None = None,
    constants: Constants = FITTED,
) -> ScoreNoise:
    """The noise of a score among teams.

    Parameters
    ----------
    basis
        Where the score is from.
    standard_error
        Of the score, over draws of the rows that it is on, ≥ 0.
    rows
        On which it is: of train by cross-validation, of the holdout.
    test_rows
        That rank the teams at the end. Where one of the two is not known, ROWS_PER_TEST_ROW times as many rows by
        cross-validation, and as many on a holdout, are taken.
    same_rows
        Whether all teams' scores are on the holdout of this one.
    public_share
        Of all rows to predict, the share that the board's scores are on, where others rank the teams at the end; None
        where the board's scores are final.
    """
    known = bool(rows and test_rows)
    ratio = rows / test_rows if rows and test_rows else ROWS_PER_TEST_ROW
    if basis == "given":
        return ScoreNoise(0.0, standard_error, standard_error, 0.0)
    if basis == "holdout":
        spread = standard_error * math.sqrt(1 + (ratio if known else 1.0)) * (constants.paired if same_rows else 1.0)
        return ScoreNoise(0.0, spread, spread, 0.0)
    if public_share is not None:
        ratio *= (1 - public_share) / public_share + constants.paired**2
    core = standard_error * math.hypot(constants.core, math.sqrt(ratio))
    wide = standard_error * math.hypot(constants.wide, math.sqrt(ratio))
    return ScoreNoise(constants.shift * standard_error, core, wide, constants.wide_share)


def ranking_rows(test_rows: int | None, board_rows: int | None, public_share: float | None) -> int | None:
    """The rows that rank teams at the end, of `test_rows` to predict; None where nothing is known.

    They are the private ones where the rows to predict are those of the board, as far as the numbers tell.
    """
    rows = test_rows or board_rows
    if rows is None:
        return None
    if board_rows is None or public_share is None or rows != board_rows:
        return rows
    return max(1, round(rows * (1 - public_share)))


def chances(noise: ScoreNoise, margins: list[float | None]) -> list[float]:
    """Probabilities of reaching thresholds, the hardest first; each at least that of the one before.

    `margins`: by how much the known score has to improve for each, negative where it is better already; None for a
    threshold that nobody reaches.
    """
    out, least = [], 0.0
    for margin in margins:
        if margin is not None:
            least = max(least, noise.at_least(margin))
        out.append(least)
    return out


def places(
    percentile: Callable[[float], float], score: float, greater_is_better: bool, ends: tuple[float, float]
) -> tuple[float, float]:
    """Percentiles, worse one first, of scores that are better than `score` by each of `ends`, worse one first."""
    sign = 1.0 if greater_is_better else -1.0
    low, high = sorted(percentile(score + sign * end) for end in ends)
    return low, high


def _beyond(distance: float, deviation: float) -> float:
    """Probability that a normal error is `distance` or more."""
    if deviation == 0:
        return 1.0 if distance <= 0 else 0.0
    return 0.5 * math.erfc(distance / deviation / math.sqrt(2))
