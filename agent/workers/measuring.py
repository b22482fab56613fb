"""Measures, at the beginning of a run, which number of workers and threads (layout) has the highest throughput.

For part of a second for each layout, all its workers boost at the same time on the run's data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from medalist.agent.workers.costs import Costs
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.pool import WorkerPool
from medalist.agent.workers.threads import Calibration, Layout, layouts
from medalist.pipelines.fitting.fold import FoldResult

SHARE = 0.01  # share of the budget that the measurement may take
LEAST_SECONDS, MOST_SECONDS = 0.25, 0.5  # bounds for one layout in one pass; nothing is measured in less time
PASSES = 2  # over all layouts: other work on the machine disturbs one pass rather than both
LEAST_FOLD_SECONDS = 2.0  # expected seconds of a usual fit below which nothing is measured
ENDLESS = 100_000  # boosting rounds of a measured fit: so many that the time limit ends it
KEY = -2  # key of the jobs that measure, which belong to no experiment


def seconds_per_layout(budget: float, cores: int, fold_seconds: float) -> float:
    """Seconds for measuring one layout in one pass; 0 where nothing should be measured.

    budget: seconds of the run, infinite if unlimited. fold_seconds: expected seconds of a usual fit on one fold.
    """
    if cores < 2 or fold_seconds < LEAST_FOLD_SECONDS or not math.isfinite(budget):
        return 0.0
    seconds = min(MOST_SECONDS, SHARE * budget / (PASSES * len(layouts(cores))))
    return seconds if seconds >= LEAST_SECONDS else 0.0


def calibrate(workers: WorkerPool, job: Callable[[int], Job], seconds: float) -> Calibration:
    """Measure all layouts, each for `seconds` in every pass, on idle workers; returns the measured rates. They are
    empty where `seconds` is 0, where fewer workers than cores are idle, or a fit fails; the answers of such a
    Calibration are one thread each.

    job: returns the k-th worker's job, a boosted fit of a fold; its rounds and limits are set here. Each worker's first
    fit is not measured, since it bins the rows, and later fits on that fold reuse the bins.
    """
    calibration = Calibration(workers.cores)
    if seconds <= 0 or workers.running or workers.idle < workers.cores:
        return calibration
    candidates = layouts(workers.cores)
    rates: dict[Layout, list[float]] = {layout: [] for layout in candidates}
    before = workers.fit_seconds
    try:
        workers.submit(replace(job(0), key=KEY, kind="prepare"))  # its features
        if len(_outcomes(workers)) != 1 or _rate(workers, job, candidates[0], 0.0) is None:
            return calibration
        for _ in range(PASSES):
            for layout in candidates:
                rate = _rate(workers, job, layout, seconds)
                if rate is None:
                    return calibration
                rates[layout].append(rate)
    finally:
        workers.fit_seconds = before  # no fit of the competition
    return replace(calibration, rates={layout: tuple(passes) for layout, passes in rates.items()})


def apply_calibration(workers: WorkerPool, costs: Costs, calibration: Calibration) -> None:
    """Configure the pool and the cost model for the best layout, if anything was measured."""
    if not calibration.rates:
        return
    best = calibration.best()
    workers.calibration = costs.calibration = calibration
    costs.threads = best.threads
    if (best.children, best.threads) != (workers.count, workers.threads):
        workers.reconfigure(best.children, best.threads)


def _rate(workers: WorkerPool, job: Callable[[int], Job], layout: Layout, seconds: float) -> float | None:
    """Boosting rounds per second of all workers of a layout together; None if a fit failed."""
    for k in range(layout.children):
        workers.submit(replace(job(k), key=KEY, rounds=(ENDLESS,), threads=layout.threads, soft_seconds=seconds))
    fits = [o.result for o in _outcomes(workers) if isinstance(o.result, FoldResult)]
    if len(fits) < layout.children:
        return None
    return sum(fit.rounds_run / max(fit.fit_seconds, 1e-6) for fit in fits)


def _outcomes(workers: WorkerPool) -> list[Outcome]:
    """Wait for the outcomes of all running jobs; [] where one fails, which ends the others."""
    outcomes: list[Outcome] = []
    while workers.running:
        for outcome in workers.poll(0.2):
            if outcome.status != "ok":
                workers.cancel_all()
                return []
            outcomes.append(outcome)
    return outcomes
