"""Fits of the ensemble's members on folds that took no part in the search, and on all rows.

Boosting runs the mean number of rounds that it ran in the search, so that no early stopping looks at validation rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from medalist.agent.budget import Budget
from medalist.agent.experiment import Record
from medalist.agent.folds import FoldSet
from medalist.agent.history import by_hash
from medalist.agent.judging.champion import Champion
from medalist.agent.records.journal import Journal
from medalist.agent.run_data import RunData
from medalist.agent.search.jobs import last_line, sources_of
from medalist.agent.workers.footprints import not_known
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.pool import WorkerPool
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline

MARGIN = 1.2  # factor on the seconds that the search's fits took, for the time of a refit
MOST_REPEATS = 3  # most repetitions of the cross-validation within one draw of fresh folds
POLL_SECONDS = 0.2  # longest wait for outcomes between two calls of `tick`


@dataclass(frozen=True)
class Timing:
    """Estimates the seconds of fitting members again.

    search_folds: number of folds that the search evaluated on, over all repetitions. n_splits: number of folds of the
    task's scheme. workers: number of child processes.
    """

    search_folds: int
    n_splits: int
    workers: int

    def fold_seconds(self, record: Record) -> float:
        """Expected seconds of one fold's fit, with a margin and without the rounds that early stopping waits."""
        assert record.evaluation is not None
        return MARGIN * record.seconds * (1 - record.evaluation.patience_share) / self.search_folds

    def wall_seconds(self, members: Sequence[Record], folds: int) -> float:
        """Expected wall-clock seconds of fitting all members on so many folds; there must be at least one member."""
        seconds = [self.fold_seconds(record) for record in members]
        return max(max(seconds), sum(seconds) * folds / self.workers)


def members_of(champion: Champion, records: Sequence[Record]) -> list[Record]:
    """The ensemble's experiments, largest weight first, and those that they are stacked upon; stacked ones come
    last."""
    weights = champion.ensemble.weights
    members = [records[n] for n in sorted(weights, key=lambda n: (-weights[n], n))]
    numbers = set(weights)
    needed = {base for record in members for base in record.pipeline.bases}
    if needed:
        members += [r for h, r in by_hash(records).items() if h in needed and r.number not in numbers]
    return sorted(members, key=lambda r: bool(r.pipeline.bases))


@dataclass(frozen=True)
class Draw:
    """The members fitted on one draw of fresh folds.

    folds: the folds that all scored members finished (all of them where no member can be scored). evaluations: of the
    scored members on these folds, by number. tests: by number, how many fits a member finished, on any of the folds,
    and the mean (m, W) of their test predictions. records: how each of these fits was made, by number and fold.
    """

    folds: FoldSet
    evaluations: Mapping[int, Evaluation]
    tests: Mapping[int, tuple[int, np.ndarray]]
    records: Mapping[int, Mapping[int, FitRecord]] = field(default_factory=dict)


@dataclass(frozen=True)
class Refits:
    """Fits members on fresh folds or on all rows, as far as time goes.

    seconds_left: returns the seconds left for fits. stopped: returns whether a person has asked to end. tick: is called
    several times a second. by_clock: whether the number of fresh folds follows from the time, else it is that of the
    task's scheme, so that runs whose budget is a number of experiments are repeatable. expected_bytes: returns
    the bytes that a fit of a pipeline is expected to take, on all rows where that is True; 0 where not known.
    """

    data: RunData
    journal: Journal
    workers: WorkerPool
    timing: Timing
    budget: Budget
    by_clock: bool
    seconds_left: Callable[[], float]
    stopped: Callable[[], bool]
    tick: Callable[[], None]
    expected_bytes: Callable[[Pipeline, bool], int] = not_known

    def fresh_folds(self, members: Sequence[Record], seed: int, draw: int) -> FoldSet:
        """Folds that took no part in the search, drawn by `seed` and the number of the draw: as many as time allows,
        and repeated where it allows more."""
        plan = self.data.task.folds
        wanted, repeats = plan.n_splits, 1
        if self.by_clock:
            possible = max(1, int(self.seconds_left() / self.timing.wall_seconds(members, wanted) * wanted))
            if plan.scheme in ("time", "blocks"):
                wanted = min(wanted, possible)  # the last ones, which are nearest to test
            else:  # all of them even where time is short: what is fitted until then counts, and no core idles
                repeats = max(1, min(MOST_REPEATS, possible // wanted))
        return self.data.folds(f"fresh_{draw}", seed + draw, wanted, repeats)

    def on_folds(self, members: Sequence[Record], folds: FoldSet, weights: Mapping[int, float]) -> Draw:
        """Fit the members on these folds. weights: those of the ensemble, by number, which decide what is scored where
        not all fits finish: see `scored_members`."""
        done = self._fit([Fit(record, k, folds) for k in range(folds.count) for record in members])
        numbers = [r.number for r in members if any((r.number, k) in done for k in range(folds.count))]
        predicted = {n: [done[n, k].test for k in range(folds.count) if (n, k) in done] for n in numbers}
        tests = {n: (len(fits), np.mean(fits, axis=0)) for n, fits in predicted.items()}
        records = {n: {k: done[n, k].record for k in range(folds.count) if (n, k) in done} for n in numbers}
        scored, finished = scored_members({n: {k for m, k in done if m == n} for n in numbers}, weights)
        if not finished:
            return Draw(folds, {}, tests, records)
        kept = folds.subset(finished)
        evaluations = {
            n: combine([done[n, k] for k in finished], kept.positions, last_only=self.data.refit) for n in scored
        }
        return Draw(kept, evaluations, tests, records)

    def on_all_rows(self, members: Sequence[Record]) -> dict[int, Evaluation]:
        """Fit the members on all training rows; returns the test predictions of those that finished, by number."""
        done = self._fit([Fit(record, 0, None) for record in members])
        return {n: combine([result], (np.arange(0),), last_only=True) for (n, _), result in done.items()}

    def _fit(self, fits: Sequence[Fit]) -> dict[tuple[int, int], FoldResult]:
        """Run fits in the workers, each after those that it is stacked upon, until they or the time end. Returns the
        results of those that finished, by (member, fold)."""
        workers = self.workers
        workers.cancel_all()  # of a search that an error has ended
        results: dict[tuple[int, int], FoldResult] = {}
        waiting = list(fits)
        while (waiting or workers.running) and not self.stopped() and self.seconds_left() > 0:
            while workers.idle and (fit := next((f for f in waiting if f.ready(self.journal, results)), None)):
                memory = self.expected_bytes(fit.record.pipeline, fit.folds is None)
                if not workers.has_room(short=False, needed=memory):
                    break  # it runs when others have ended
                waiting.remove(fit)
                threads = workers.threads_for(len(waiting) + 1, fit.record.pipeline.hash)
                workers.submit(replace(fit.job(self.journal, results, threads), memory=memory))
            if not workers.running:
                break  # what is left is stacked upon fits that failed
            for outcome in workers.poll(min(POLL_SECONDS, max(0.01, self.seconds_left()))):
                if isinstance(outcome.result, FoldResult):
                    results[outcome.job.key, outcome.job.fold] = outcome.result
                else:
                    where = "all rows" if outcome.job.kind == "full" else f"fresh fold {outcome.job.fold + 1}"
                    what = f"The fit of experiment {outcome.job.key} on {where} failed ({outcome.status})"
                    self.journal.note(f"{what}: {last_line(outcome.error)}", outcome.error)
            self.tick()
        workers.cancel_all()
        return results


@dataclass(frozen=True)
class Fit:
    """A member's fit on a fold; on all rows where `folds` is None."""

    record: Record
    fold: int
    folds: FoldSet | None

    def ready(self, journal: Journal, done: Mapping[tuple[int, int], FoldResult]) -> bool:
        """Whether the fits that it is stacked upon are done; never where one of these experiments lost its
        predictions."""
        bases = self._bases(journal)
        return bases.keys() == set(self.record.pipeline.bases) and all((n, self.fold) in done for n in bases.values())

    def _bases(self, journal: Journal) -> dict[str, int]:
        """Numbers of the experiments that it is stacked upon, by their pipelines' hashes."""
        needed = self.record.pipeline.bases
        return {h: r.number for h, r in by_hash(journal.records).items() if h in needed} if needed else {}

    def job(self, journal: Journal, done: Mapping[tuple[int, int], FoldResult], threads: int) -> Job:
        """The job for a child process; `done` are the finished fits, by (member, fold)."""
        record, sources = self.record, None
        if record.pipeline.bases:
            bases = {h: done[n, self.fold] for h, n in self._bases(journal).items()}
            sources = sources_of(record.pipeline, journal, {h: (r.valid, r.test) for h, r in bases.items()})
        kind: Literal["fold", "full"] = "fold" if self.folds is not None else "full"
        path = None if self.folds is None else self.folds.path
        assert record.evaluation is not None
        rounds = record.evaluation.mean_rounds
        return Job(record.number, kind, record.pipeline, self.fold, path, rounds, threads=threads, sources=sources)


def scored_members(folds: Mapping[int, set[int]], weights: Mapping[int, float]) -> tuple[list[int], list[int]]:
    """(numbers of the members that are scored, folds on which they are scored), where not all fits finished.

    folds: the folds that each member finished, by number. weights: of the members in the ensemble. For each k, the
    members that finished at least k folds are a candidate, to be scored on the folds that all of them finished; chosen
    is the one with the largest total weight times number of folds, of equal ones that with more members. So a member of
    little weight that failed on most folds does not take these from the others.
    """
    chosen: tuple[list[int], list[int]] = ([], [])
    most = 0.0
    for least in sorted({len(f) for f in folds.values()}, reverse=True):
        numbers = [n for n, f in folds.items() if len(f) >= least]
        shared = sorted(set.intersection(*(folds[n] for n in numbers)))
        worth = len(shared) * sum(weights.get(n, 0.0) for n in numbers)
        if worth > 0 and worth >= most:
            chosen, most = (numbers, shared), worth
    return chosen
