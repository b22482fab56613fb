"""Whether the usual proposals of a run bring nothing any more, so that it is time for what only long runs try."""

from __future__ import annotations

from collections.abc import Sequence

from medalist.agent.experiment import Record, noise_unit
from medalist.agent.feature_ideas import ARM as FEATURES

LEAST_SECONDS = 300.0  # work of each child process before a run is late
LEAST_EXPERIMENTS = 30  # experiments with a score before a run is late
RECENT = 16  # usual experiments that together must have gained less than LEAST_GAIN
LEAST_GAIN = 0.02  # in units of the standard error of the run's first score
MANY = "stack:many"  # the arm of late runs: stacks of more models


def is_late(history: Sequence[Record], workers: int, *, by_clock: bool) -> bool:
    """Whether the usual proposals bring nothing any more: the last RECENT of these have gained less than LEAST_GAIN
    together. Never before LEAST_EXPERIMENTS, nor, where the run goes by the clock, before LEAST_SECONDS of work on each
    of the `workers`."""
    finished = [r for r in history if r.verdict != "running"]
    if sum(r.score is not None for r in finished) < LEAST_EXPERIMENTS:
        return False
    if by_clock and sum(r.seconds for r in finished) < LEAST_SECONDS * workers:
        return False
    usual = [r for r in finished if r.arm not in (MANY, FEATURES)][-RECENT:]
    return sum(r.gain for r in usual) < LEAST_GAIN * noise_unit(finished)
