"""What a competition's run may still gain: learned from the gains of its experiments, in units of its noise.

Gains come in jumps, and more and more rarely: about as many while the time worked doubles from one hour to two as from
two to four. So time is counted in e-folds, u = ln(1 + minutes), in which the rate of jumps is about constant. It has a
gamma distribution: that of earlier competitions first, and then updated by the jumps of this one (Poisson), of which
each counts in proportion to how late it came, so that what was easy at the beginning is forgotten. Sizes of jumps are
exponential. From this follow what a slice is expected to gain, a draw of it (Thompson sampling: Thompson, Biometrika
1933; Chapelle and Li, NIPS 2011), and the chance that another hour gains more than the noise.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

START_MINUTES = 1.0  # minutes that are added to the time worked, so that the first e-fold has an end
PRIOR_JUMPS = 3.0  # jumps per e-fold that are expected before any competition was worked on
PRIOR_SIZE = 0.1  # expected size of a jump, in standard errors of the first score
PRIOR_WEIGHT = 0.15  # e-folds that the prior counts like
PRIOR_SIZES = 2.0  # jumps that the prior of their size counts like
PRIOR_COMPETITIONS = 2.0  # competitions that the built-in prior counts like, beside those of the ledger
LARGEST_JUMP = 3.0  # standard errors: a larger gain, such as of the first real model, counts as this
NOISE = 0.1  # standard errors: the noise where it was not measured
PLATEAU = 0.05  # chance that another hour gains more than the noise, below which a run has stopped gaining
HOUR = 60.0  # minutes
_MOST_LEVEL = 700.0  # of the noise in mean jumps, whose exponential is not yet 0


@dataclass(frozen=True)
class Gain:
    """An experiment's gain in the ensemble, in standard errors of the run's first score, after so many minutes of
    work on the run."""

    minutes: float
    size: float


@dataclass(frozen=True)
class Prior:
    """What is expected of a competition before it is worked on: jumps per e-fold, and their mean size."""

    jumps: float = PRIOR_JUMPS
    size: float = PRIOR_SIZE

    @classmethod
    def of(cls, others: Iterable[tuple[Sequence[Gain], float]]) -> Prior:
        """The prior from other competitions: (gains, minutes worked) of each."""
        rates, sizes, weight = PRIOR_COMPETITIONS * PRIOR_JUMPS, PRIOR_COMPETITIONS * PRIOR_SIZE, PRIOR_COMPETITIONS
        counted = PRIOR_COMPETITIONS
        for gains, minutes in others:
            jumps = [min(g.size, LARGEST_JUMP) for g in gains if g.size > 0]
            rates, weight = rates + len(jumps) / max(_folds(0.0, minutes), 0.5), weight + 1
            if jumps:
                sizes, counted = sizes + sum(jumps) / len(jumps), counted + 1
        return cls(rates / weight, sizes / counted)


@dataclass(frozen=True)
class Belief:
    """What a run may still gain after `minutes` of work: jumps per e-fold have a gamma distribution (shape, rate), and
    their sizes an exponential one of that mean. noise: the gain, in the same unit, that chance alone would make."""

    minutes: float
    shape: float
    rate: float
    size: float
    noise: float = NOISE

    @classmethod
    def of(
        cls, gains: Iterable[Gain], minutes: float, prior: Prior | None = None, noise: float | None = None
    ) -> Belief:
        """The belief after `minutes` of work with these gains."""
        prior = prior or Prior()
        end = minutes + START_MINUTES
        jumps = [(min(g.size, LARGEST_JUMP), min(1.0, (g.minutes + START_MINUTES) / end)) for g in gains if g.size > 0]
        weight = sum(w for _, w in jumps)
        total = sum(size * w for size, w in jumps)
        return cls(
            minutes=minutes,
            shape=PRIOR_WEIGHT * prior.jumps + weight,
            rate=PRIOR_WEIGHT + minutes / end,  # the integral of the weights over the e-folds worked
            size=(PRIOR_SIZES * prior.size + total) / (PRIOR_SIZES + weight),
            noise=min(max(noise or NOISE, 0.02), 1.0),
        )

    def expected(self, minutes: float) -> float:
        """The expected gain of so many further minutes, in standard errors."""
        return self.shape / self.rate * self.size * _folds(self.minutes, minutes)

    def drawn(self, minutes: float, draw: random.Random) -> float:
        """A draw of `expected`, as uncertain as the rate of jumps is."""
        return draw.gammavariate(self.shape, 1 / self.rate) * self.size * _folds(self.minutes, minutes)

    def chance(self, minutes: float = HOUR) -> float:
        """The probability that so many further minutes gain more than the noise.

        The number of jumps is negative binomial, and the sum of n exponential sizes is above a level with the
        probability that a Poisson process has fewer than n events before it.
        """
        folds, level = _folds(self.minutes, minutes), min(self.noise / self.size, _MOST_LEVEL)
        jump = folds / (self.rate + folds)
        number = (1 - jump) ** self.shape  # the probability of n jumps, for n = 0
        event = fewer = math.exp(-level)  # of n events, and of at most n
        short = number  # of a gain that is not above the level
        for n in range(1, round(level + 10 * math.sqrt(level)) + 60):  # beyond, as many jumps are surely above it
            number *= (self.shape + n - 1) / n * jump
            short += number * max(0.0, 1 - fewer)
            event *= level / n
            fewer += event
        return min(1.0, max(0.0, 1 - short))

    @property
    def flat(self) -> bool:
        """Whether the run has stopped gaining (see PLATEAU)."""
        return self.chance() < PLATEAU


def _folds(worked: float, minutes: float) -> float:
    """E-folds of time from `worked` minutes on over so many further ones."""
    return math.log1p(minutes / (worked + START_MINUTES))
