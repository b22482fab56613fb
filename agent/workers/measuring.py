"""Measures, at the beginning of a run, how many threads a child process is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.threads import Calibration, Layout, layouts
from medalist.pipelines.fitting.fold import FoldResult

SHARE = 0.01  # of the budget, for the measurement
LEAST_SECONDS, MOST_SECONDS = 0.25, 0.5  # of one layout's measurement
PASSES = 2  # over all layouts: what other work on the machine does to one of them shows in the other pass
LEAST_FOLD_SECONDS = 2.0  # of a usual fit, by the first guess: threads are worth nothing in short ones
ENDLESS = 100_000  # boosting rounds, ended by the clock
KEY = -2  # of the jobs that measure


def allowance(budget: float, cores: int, fold_seconds: float) -> float:
    """Seconds of one layout's measurement in each pass; 0 where nothing is to be measured.

    budget: seconds of the run; fold_seconds: guessed, of a usual fit of one fold.
    """
    if cores < 2 or fold_seconds < LEAST_FOLD_SECONDS or not math.isfinite(budget):
        return 0.0
    seconds = min(MOST_SECONDS, SHARE * budget / (PASSES * len(layouts(cores))))
    return seconds if seconds >= LEAST_SECONDS else 0.0


def calibrate(workers: Workers, job: Callable[[int], Job], seconds: float) -> Calibration:
    """Measure all layouts, for so many seconds each in every pass, with children that have nothing else to do.

    `job(k)` is the k-th child's fit of a fold; its rounds and time are set here. Each child's first is not measured,
    since it puts the rows into bins, which later fits on that fold find done. Whatever goes wrong ends the measurement;
    then children stay single-threaded.
    """
    calibration = Calibration(workers.cores)
    if seconds <= 0 or workers.running or workers.idle < workers.cores:
        return calibration
    ways = layouts(workers.cores)
    rates: dict[Layout, list[float]] = {way: [] for way in ways}
    spent = workers.fit_seconds
    try:
        workers.submit(replace(job(0), key=KEY, kind="prepare"))  # its features
        if len(_outcomes(workers)) != 1 or _rate(workers, job, ways[0], 0.0) is None:
            return calibration
        for _ in range(PASSES):
            for way in ways:
                rate = _rate(workers, job, way, seconds)
                if rate is None:
                    return calibration
                rates[way].append(rate)
    finally:
        workers.fit_seconds = spent  # nothing that is kept was fitted
    return replace(calibration, rates={way: tuple(found) for way, found in rates.items()})


def arrange(workers: Workers, costs: Costs, found: Calibration) -> None:
    """Let children and guesses of costs follow what was measured, if anything was."""
    if not found.rates:
        return
    best = found.best()
    workers.calibration = costs.calibration = found
    costs.threads = best.threads
    if (best.children, best.threads) != (workers.count, workers.threads):
        workers.reconfigure(best.children, best.threads)


def _rate(workers: Workers, job: Callable[[int], Job], way: Layout, seconds: float) -> float | None:
    """Boosting rounds a second of all children of a layout together; None where one of them failed."""
    for k in range(way.children):
        workers.submit(replace(job(k), key=KEY, rounds=(ENDLESS,), threads=way.threads, soft_seconds=seconds))
    fits = [o.result for o in _outcomes(workers) if isinstance(o.result, FoldResult)]
    if len(fits) < way.children:
        return None
    return sum(fit.rounds_run / max(fit.fit_seconds, 1e-6) for fit in fits)


def _outcomes(workers: Workers) -> list[Outcome]:
    """What all that runs comes to, up to the first failure, which ends the rest."""
    outcomes: list[Outcome] = []
    while workers.running:
        for outcome in workers.poll(0.2):
            if outcome.status != "ok":
                workers.cancel_all()
                return []
            outcomes.append(outcome)
    return outcomes
