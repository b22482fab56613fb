"""Fits of the ensemble's members on folds that took no part in the search, and on all rows.

Boosting on them stops after the mean number of rounds of the search: no early stopping looks at the validation rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from medalist.agent.workers.jobs import Job
from medalist.agent.workers.local import Workers
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fold import FoldResult

MARGIN = 1.2  # times the seconds that the search's fits took
MOST_REPEATS = 3  # of one draw of fresh folds, where there is time for more than one
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Timing:
    """What the seconds of refits are computed from: the folds that the search evaluated on, the number of folds of the
    task's scheme, and the number of child processes."""

    search_folds: int
    n_splits: int
    workers: int

    def fold_seconds(self, record: Record) -> float:
        """Seconds of one fold's fit without early stopping, with a margin."""
        assert record.evaluation is not None
        return MARGIN * record.seconds * (1 - record.evaluation.patience_share) / self.search_folds

    def wall_seconds(self, members: Sequence[Record], folds: int) -> float:
        """Wall-clock seconds in which all members are fitted on so many folds."""
        seconds = [self.fold_seconds(record) for record in members]
        return max(max(seconds), sum(seconds) * folds / self.workers)


def members_of(champion: Champion, records: Sequence[Record]) -> list[Record]:
    """The ensemble's experiments by weight, and those that they are stacked upon; stacked ones come last."""
    weights = champion.ensemble.weights
    members = [records[n] for n in sorted(weights, key=lambda n: (-weights[n], n))]
    numbers = set(weights)
    needed = {base for record in members for base in record.pipeline.bases}
    if needed:
        members += [r for h, r in by_hash(records).items() if h in needed and r.number not in numbers]
    return sorted(members, key=lambda r: bool(r.pipeline.bases))


@dataclass(frozen=True)
class Draw:
    """The members on one draw of fresh folds.

    folds: those that all scored members finished. evaluations: of these members on these folds, by number. tests: by
    number, how many of its fits a member finished, on whichever folds, and the mean (m, W) of their test predictions.
    """

    folds: FoldSet
    evaluations: Mapping[int, Evaluation]
    tests: Mapping[int, tuple[int, np.ndarray]]


@dataclass(frozen=True)
class Refits:
    """Fits members on fresh folds or on all rows, as far as time goes.

    seconds_left: returns the seconds left for fits. stopped: returns whether a person has asked to end. tick: is called
    several times a second. by_clock: whether the number of fresh folds follows from the time, else it is that of the
    task's scheme (so that counted runs are repeatable).
    """

    data: RunData
    journal: Journal
    workers: Workers
    timing: Timing
    budget: Budget
    by_clock: bool
    seconds_left: Callable[[], float]
    stopped: Callable[[], bool]
    tick: Callable[[], None]

    def fresh_folds(self, members: Sequence[Record], seed: int, draw: int) -> FoldSet:
        """Folds that took no part in the search: as many as time allows, drawn again where there is time to spare."""
        plan = self.data.task.folds
        wanted, repeats = plan.n_splits, 1
        if self.by_clock:
            possible = max(1, int(self.seconds_left() / self.timing.wall_seconds(members, wanted) * wanted))
            if plan.scheme in ("time", "blocks"):
                wanted = min(wanted, possible)  # the last ones tell most
            else:  # those that cannot all be fitted leave no core idle before the end
                repeats = max(1, min(MOST_REPEATS, possible // wanted))
        return self.data.folds(f"fresh_{draw}", seed + draw, wanted, repeats)

    def on_folds(self, members: Sequence[Record], folds: FoldSet, weights: Mapping[int, float]) -> Draw:
        """The members fitted on these folds; `weights`: those of the ensemble, by number."""
        done = self._fit([Fit(record, k, folds) for k in range(folds.count) for record in members])
        numbers = [r.number for r in members if any((r.number, k) in done for k in range(folds.count))]
        predicted = {n: [done[n, k].test for k in range(folds.count) if (n, k) in done] for n in numbers}
        tests = {n: (len(fits), np.mean(fits, axis=0)) for n, fits in predicted.items()}
        scored, finished = scored_members({n: {k for m, k in done if m == n} for n in numbers}, weights)
        if not finished:
            return Draw(folds, {}, tests)
        kept = folds.subset(finished)
        evaluations = {
            n: combine([done[n, k] for k in finished], kept.positions, last_only=self.data.refit) for n in scored
        }
        return Draw(kept, evaluations, tests)

    def on_all_rows(self, members: Sequence[Record]) -> dict[int, Evaluation]:
        """The members fitted on all training rows, by number."""
        done = self._fit([Fit(record, 0, None) for record in members])
        return {n: combine([result], (np.arange(0),), last_only=True) for (n, _), result in done.items()}

    def _fit(self, fits: Sequence[Fit]) -> dict[tuple[int, int], FoldResult]:
        """Results by member and fold of the fits that could be finished; one comes after those that it is stacked
        upon."""
        workers = self.workers
        workers.cancel_all()  # of a search that an error has ended
        results: dict[tuple[int, int], FoldResult] = {}
        waiting = list(fits)
        while (waiting or workers.running) and not self.stopped() and self.seconds_left() > 0:
            while workers.idle and (fit := next((f for f in waiting if f.ready(self.journal, results)), None)):
                waiting.remove(fit)
                threads = workers.threads_for(len(waiting) + 1, fit.record.pipeline.hash)
                workers.submit(fit.job(self.journal, results, threads))
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
        """Whether the fits that it is stacked upon are done. Never where one of these has lost its predictions."""
        bases = self._bases(journal)
        return bases.keys() == set(self.record.pipeline.bases) and all((n, self.fold) in done for n in bases.values())

    def _bases(self, journal: Journal) -> dict[str, int]:
        """Numbers of the experiments that it is stacked upon, by their pipelines' hashes."""
        needed = self.record.pipeline.bases
        return {h: r.number for h, r in by_hash(journal.records).items() if h in needed} if needed else {}

    def job(self, journal: Journal, done: Mapping[tuple[int, int], FoldResult], threads: int) -> Job:
        """The job for a child process."""
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
    """Which members are scored, and on which folds.

    folds: those that each member has finished, by number. weights: in the ensemble. Of the members that finished at
    least so many folds, those whose weight times the number of folds that all of them finished is largest; of equal
    ones that with more members. So a light member that failed on most folds does not take these from the others.
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
