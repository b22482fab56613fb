"""Fits that are made again as they were recorded: each on its fold, with its threads, and with its time trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medalist.agent.folds import FoldSet
from medalist.agent.records.predictions import Predictions
from medalist.agent.workers.jobs import Job, Sources
from medalist.agent.workers.local import Workers
from medalist.competitions.errors import PipelineError
from medalist.pipelines.fitting.evaluation import Evaluation, combine
from medalist.pipelines.fitting.fit_record import FitRecord
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline

Key = tuple[int, int]  # (experiment, fold)
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Recorded:
    """An experiment as the lineage has it: its pipeline, the numbers of the experiments that it is fitted on by their
    pipelines' hashes, and how each fold was fitted."""

    number: int
    pipeline: Pipeline
    bases: Mapping[str, int]
    fits: Sequence[FitRecord]

    @classmethod
    def of(cls, number: int, document: Mapping[str, Any]) -> Recorded:
        """The experiment of the lineage's entry."""
        fits = [FitRecord.from_dict(fit) for fit in document.get("fits", ())]
        bases = {str(h): int(n) for h, n in document.get("bases", {}).items()}
        return cls(number, Pipeline.from_dict(document["pipeline"]), bases, fits)


def in_order(experiments: Mapping[int, Recorded]) -> list[Recorded]:
    """The experiments, each after those that it is fitted on."""
    done: dict[int, Recorded] = {}

    def add(number: int) -> None:
        if number not in done:
            for base in experiments[number].bases.values():
                add(base)
            done[number] = experiments[number]

    for number in sorted(experiments):
        add(number)
    return list(done.values())


@dataclass(frozen=True)
class Refitter:
    """Makes fits again in worker processes, as many at a time as there are.

    predictions: of the run that is made anew, where stacked models find those of their bases. on_fit: is called with
    each finished job.
    """

    workers: Workers
    predictions: Predictions
    on_fit: Callable[[Job], None] = lambda _: None

    def evaluate(self, one: Recorded, folds: FoldSet, *, last_only: bool) -> tuple[Evaluation, list[FoldResult]]:
        """The evaluation on the folds of the search, whose predictions are stored, and the result of each fold."""
        sources = self.sources(one, None)
        jobs = [
            self.job("fold", one, k, fit, folds.path, sources=sources)
            for k, fit in zip(range(folds.count), one.fits, strict=True)
        ]
        done = self.run(jobs)
        results = [done[one.number, k] for k in range(folds.count)]
        evaluation = combine(results, folds.positions, last_only=last_only)
        self.predictions.keep_fold_tests(one.number, [] if last_only else [r.test for r in results])
        self.predictions.keep(one.number, evaluation)
        return self.predictions.load(one.number), results

    def job(
        self,
        kind: Literal["fold", "full"],
        one: Recorded,
        fold: int,
        fit: FitRecord,
        folds: Path | None,
        *,
        rounds: tuple[int, ...] | None = None,
        sources: Sources | None = None,
    ) -> Job:
        """The job of a fit that was recorded."""
        return Job(
            one.number, kind, one.pipeline, fold, folds, rounds,
            threads=fit.threads, sources=sources, trace=fit.trace,
        )  # fmt: skip

    def sources(self, one: Recorded, fitted: Mapping[str, FoldResult] | None) -> Sources | None:
        """The predictions that a pipeline is fitted on. fitted: for a fold other than the search's, the results of its
        bases there, by hash."""
        pipeline = one.pipeline
        if not pipeline.bases:
            return None
        labels: Path | np.ndarray | None = None
        if pipeline.pseudo:
            if fitted is None:
                labels = self.predictions.fold_tests_path(one.bases[pipeline.pseudo]).resolve()
            else:
                labels = fitted[pipeline.pseudo].test
        stacked = [self.predictions.arrays(one.bases[base]) for base in pipeline.stacked]
        return Sources(
            stacked=tuple((oof.resolve(), test.resolve()) for oof, test in stacked),
            fold_predictions=()
            if fitted is None
            else tuple((fitted[b].valid, fitted[b].test) for b in pipeline.stacked),
            labels=labels,
        )

    def run(self, jobs: Sequence[Job]) -> dict[Key, FoldResult]:
        """The results of the jobs, by experiment and fold. PipelineError where one fails."""
        workers, waiting = self.workers, list(jobs)
        results: dict[Key, FoldResult] = {}
        while waiting or workers.running:
            while waiting and workers.idle:
                workers.submit(waiting.pop(0))
            for outcome in workers.poll(POLL_SECONDS):
                job = outcome.job
                if not isinstance(outcome.result, FoldResult):
                    workers.cancel_all()
                    reason = (outcome.error or "").strip().splitlines() or [outcome.status]
                    raise PipelineError(f"The fit of experiment {job.key} on fold {job.fold + 1} failed: {reason[-1]}")
                results[job.key, job.fold] = outcome.result
                self.on_fit(job)
        return results
