"""What a competition's run may still gain: learned from the gains of its experiments, in units of its noise.

Gains come in jumps, and more and more rarely. What counts is not the hour but the number of experiments: the first
twenty bring most, whether they take a minute or twenty. So time is counted in e-folds of experiments, u = ln(1 + n /
START), and the rate of jumps falls from now on as exp(-DECLINE u): a power law, as learning curves are (a
nonhomogeneous Poisson process; Duane, IEEE Transactions on Aerospace 1964). What it is now has a gamma distribution:
what earlier competitions let expect after so many experiments, updated by the jumps of this one, of which each counts
in proportion to how late it came, to the power FORGETTING. Sizes of jumps are exponential. From this follow what a
slice is expected to gain, a draw of it (Thompson sampling: Thompson, Biometrika 1933; Chapelle and Li, NIPS 2011), and
the chance that another hour gains more than the noise. The constants were chosen by benchmarks/night_division.py.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

START = 15.0  # experiments that are added to those made, so that the first e-fold has an end
DECLINE = 2.5  # how fast the rate of jumps falls with each e-fold to come
FORGETTING = 3.0  # how fast evidence fades with each e-fold gone by
PRIOR_JUMPS = 18.0  # jumps per e-fold that are expected at first before any competition was worked on
PRIOR_SIZE = 0.5  # expected size of a jump, in standard errors of the first score
PRIOR_WEIGHT = 1.0  # e-folds that the prior counts like
PRIOR_SIZES = 1.0  # jumps that the prior of their size counts like
PRIOR_COMPETITIONS = 2.0  # competitions that the built-in prior counts like, beside those of the ledger
LARGEST_JUMP = 3.0  # standard errors: a larger gain, such as of the first real model, counts as this
NOISE = 0.1  # standard errors: the noise where it was not measured
PLATEAU = 0.05  # chance that another hour gains more than the noise, below which a run has stopped gaining
HOUR = 60.0  # minutes
PACE = 0.2  # minutes that an experiment takes, until that is known
LEAST_PACE = 1e-4  # minutes that one takes at least
_MOST_LEVEL = 700.0  # of the noise in mean jumps, whose exponential is not yet 0


@dataclass(frozen=True)
class Gain:
    """An experiment's gain in the ensemble, in standard errors of the run's first score, as the `number`-th that the
    run finished."""

    number: float
    size: float


@dataclass(frozen=True)
class Prior:
    """What is expected of a competition before it is worked on: jumps per e-fold at first, and their mean size."""

    jumps: float = PRIOR_JUMPS
    size: float = PRIOR_SIZE

    @classmethod
    def of(cls, others: Iterable[tuple[Sequence[Gain], float]]) -> Prior:
        """The prior from other competitions: (gains, experiments made) of each."""
        rates, sizes, weight = PRIOR_COMPETITIONS * PRIOR_JUMPS, PRIOR_COMPETITIONS * PRIOR_SIZE, PRIOR_COMPETITIONS
        counted = PRIOR_COMPETITIONS
        for gains, experiments in others:
            jumps = [min(g.size, LARGEST_JUMP) for g in gains if g.size > 0]
            rates, weight = rates + len(jumps) / max(_exposure(experiments, START), 0.1), weight + 1
            if jumps:
                sizes, counted = sizes + sum(jumps) / len(jumps), counted + 1
        return cls(rates / weight, sizes / counted)


@dataclass(frozen=True)
class Belief:
    """What a run may still gain after so many experiments, of which each takes `pace` minutes.

    Jumps per e-fold now have a gamma distribution (shape, rate), and their sizes an exponential one of that mean.
    noise: the gain, in the same unit, that chance alone would make.
    """

    experiments: float
    pace: float
    shape: float
    rate: float
    size: float
    noise: float = NOISE

    @classmethod
    def of(
        cls,
        gains: Iterable[Gain],
        experiments: int,
        minutes: float,
        prior: Prior | None = None,
        noise: float | None = None,
    ) -> Belief:
        """The belief after so many experiments in so many minutes of work, with these gains."""
        prior = prior or Prior()
        end = experiments + START
        jumps = [
            (min(g.size, LARGEST_JUMP), min(1.0, ((g.number + START) / end) ** FORGETTING)) for g in gains if g.size > 0
        ]
        weight = sum(w for _, w in jumps)
        expected = prior.jumps * (START / end) ** DECLINE  # per e-fold now, before this run is looked at
        total = sum(size * w for size, w in jumps)
        return cls(
            experiments=experiments,
            pace=max(minutes / experiments, LEAST_PACE) if experiments and minutes else PACE,
            shape=PRIOR_WEIGHT * expected + weight,
            rate=PRIOR_WEIGHT + (1 - (START / end) ** FORGETTING) / FORGETTING,
            size=(PRIOR_SIZES * prior.size + total) / (PRIOR_SIZES + weight),
            noise=min(max(noise or NOISE, 0.02), 1.0),
        )

    def after(self, minutes: float) -> Belief:
        """The same after so many further minutes that gain what is expected."""
        return replace(self, experiments=self.experiments + minutes / self.pace)

    def _exposure(self, minutes: float) -> float:
        """How many jumps so many further minutes bring for each that comes in an e-fold now."""
        now = self.experiments + START
        return _exposure(minutes / self.pace, now)

    def expected(self, minutes: float) -> float:
        """The expected gain of so many further minutes, in standard errors."""
        return self.shape / self.rate * self.size * self._exposure(minutes)

    def drawn(self, minutes: float, draw: random.Random) -> float:
        """A draw of `expected`, as uncertain as the rate of jumps is."""
        return draw.gammavariate(self.shape, 1 / self.rate) * self.size * self._exposure(minutes)

    def chance(self, minutes: float = HOUR) -> float:
        """The probability that so many further minutes gain more than the noise.

        The number of jumps is negative binomial, and the sum of n exponential sizes is above a level with the
        probability that a Poisson process has fewer than n events before it.
        """
        folds, level = self._exposure(minutes), min(self.noise / self.size, _MOST_LEVEL)
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


def _exposure(further: float, now: float) -> float:
    """The integral of exp(-DECLINE u) over the e-folds of so many further experiments, when `now` count as made."""
    return (1 - (1 + further / now) ** -DECLINE) / DECLINE
