"""A real run of `scheduling.py`: how long each job takes, what comes back, and what the head does meanwhile."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from scheduling_head import Clock, Steps, watched_modules

from medalist.agent.budget import Budget
from medalist.agent.config import RunConfig
from medalist.agent.experiment import Record
from medalist.agent.proposals.sampler import ask
from medalist.agent.run.display import Log
from medalist.agent.run.setup import prepare
from medalist.agent.search.closing import Closing
from medalist.agent.search.loop import Search
from medalist.agent.search.recording import Recorder
from medalist.agent.workers.children import Child
from medalist.agent.workers.jobs import Job, Outcome
from medalist.agent.workers.local import Workers
from medalist.agent.workers.pool import WorkerPool
from medalist.pipelines.estimators.registry import FAMILIES, installed
from medalist.pipelines.fitting.fold import FoldResult
from medalist.pipelines.pipeline import Pipeline

FULL_FITS = 4  # fits on all rows that are recorded beside the search
DRAWS = 4  # fits of each family with parameters drawn from its search space, beside its portfolio
FIRST_KEY = 1000  # key of the first of these
MOST_SECONDS = 1800.0  # wall-clock seconds after which one of these is given up


class RecordingWorkers(Workers):
    """Child processes, with a line for each job: the processor seconds that it took, and the bytes of its outcome.

    Processor seconds, since a machine that others use too takes longer by the clock.
    """

    def __init__(self, cores: int, write: Callable[[dict[str, Any]], None]):
        super().__init__(cores)
        self._line = write
        self._used: dict[int, float] = {}

    def _collect(self, child: Child) -> Outcome | None:
        pid = child.process.pid
        used = self._processor_seconds(pid)
        outcome = super()._collect(child)
        seconds = used - self._used.get(pid, 0.0)
        self._used[pid] = used
        if outcome is None:  # it is done once more
            return None
        self._line(job_line(outcome, seconds))
        return outcome

    @staticmethod
    def _processor_seconds(pid: int) -> float:
        try:
            times = psutil.Process(pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)


def job_line(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """What is recorded of a job."""
    job, result = outcome.job, outcome.result
    line: dict[str, Any] = {
        "what": "job",
        "kind": job.kind,
        "status": outcome.status,
        "family": job.pipeline.family,
        "features": len(job.pipeline.features),
        "stacked": len(job.pipeline.stacked),
        "bases": len(job.pipeline.bases),
        "key": job.key,
        "fold": job.fold,
        "replicate": job.replicate,
        "wall": round(outcome.seconds, 3),
        "seconds": round(seconds, 3),
        "bytes": len(pickle.dumps(outcome)),
    }
    if job.kind in ("fold", "full"):
        line["params"] = job.pipeline.parameters
    if isinstance(result, FoldResult):
        line |= {"rounds_run": result.rounds_run, "fit_seconds": round(result.fit_seconds, 3)}
    if job.kind == "screen" and result is not None:
        line["screen"] = result.as_dict()  # type: ignore[union-attr]
    return line


def search_of(config: RunConfig, budget: Budget, workers: WorkerPool) -> Search:
    """The search of a run, as `agent/run/run.py` makes it, with its first submission written and its workers
    started."""
    prepared = prepare(config, budget, workers, None)
    log = Log(prepared.journal.folder / "log.txt")
    prepared.journal.emit = lambda event: log.write({**event, "at": round(budget.used, 3)})
    prepared.submissions.begin(prepared.referee, None)
    workers.start(prepared.referee.data.training_input)

    def closing_seconds(search: Search) -> float:
        seconds = search.recorder.judge_seconds
        parts = prepared.referee, prepared.journal, prepared.submissions, search.workers, budget, True, seconds
        return Closing(*parts, lambda: False, lambda: None).seconds_needed(search.leaders.champion)

    return Search(
        recorder=Recorder(prepared.referee, prepared.journal, prepared.submissions, prepared.leaders),
        features=prepared.features,
        policy=prepared.policy,
        workers=workers,
        costs=prepared.costs,
        budget=budget,
        max_experiments=None,
        stopped=lambda: False,
        closing_seconds=closing_seconds,
    )


def experiment_line(record: Record, log_odds: np.ndarray) -> dict[str, Any]:
    """What is recorded of an experiment, with the regression of its log-odds on the true ones: `slope`, and `error`,
    the standard deviation of what is left."""
    line: dict[str, Any] = {"what": "experiment", "number": record.number, "arm": record.arm, "verdict": record.verdict}
    line |= {"family": record.pipeline.family, "loss": record.loss, "gain": record.gain}
    if record.evaluation is not None:
        slope, errors = errors_of(record.evaluation.oof, log_odds[: len(record.evaluation.oof)])
        line |= {"slope": round(slope, 4), "error": round(float(np.std(errors)), 4)}
    return line


def errors_of(predictions: np.ndarray, log_odds: np.ndarray) -> tuple[float, np.ndarray]:
    """The slope of the log-odds of predictions (n, 1) on the true ones (n,), and the residuals (n,)."""
    p = np.clip(predictions[:, 0], 1e-5, 1 - 1e-5)
    own = np.log(p / (1 - p))
    slope, level = np.polyfit(log_odds, own, 1)
    return float(slope), own - level - slope * log_odds


def likeness(records: list[Record], log_odds: np.ndarray) -> dict[str, Any]:
    """Mean correlations of the errors of two experiments, of one family and of two."""
    scored = [(r.pipeline.family, r.evaluation.oof) for r in records if r.evaluation is not None]
    table = np.corrcoef([errors_of(oof, log_odds[: len(oof)])[1] for _, oof in scored])
    same, other = [], []
    for i, (family, _) in enumerate(scored):
        for j in range(i):
            (same if scored[j][0] == family else other).append(table[i, j])
    return {"what": "likeness", "same_family": float(np.mean(same)), "other_family": float(np.mean(other))}


@dataclass
class Recording:
    """Records a run of `seconds` on a competition in `folder`, whose true log-odds are known, into `out`."""

    folder: Path
    runs: Path
    out: Path
    log_odds: np.ndarray
    seconds: float
    threads: int = 2
    lines: list[dict[str, Any]] = field(default_factory=list)

    def write(self, line: dict[str, Any]) -> None:
        with self.out.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")

    def run(self) -> None:
        """A search of `seconds`; then further fits, so that every family is known on about all its parameters."""
        workers = RecordingWorkers(self.threads, self.write)
        workers.warm_up()
        config = RunConfig(path=str(self.folder), budget=self.seconds, threads=self.threads, runs_dir=str(self.runs))
        budget = Budget.of(self.seconds)
        try:
            search = search_of(config, budget, workers)
            steps = Steps(Clock())
            steps.watch_search(search)
            with watched_modules(steps):
                search.run(lambda: None)
            for record in search.records:
                self.write(experiment_line(record, self.log_odds))
            self.write(likeness(search.records, self.log_odds))
            self.write({"what": "head", "seconds": dict(steps.seconds), "calls": dict(steps.calls)})
            self._full_fits(search, workers)
            self._further_fits(search, workers)
        finally:
            workers.close()

    def _full_fits(self, search: Search, workers: Workers) -> None:
        """Fit the best of each family on all rows, as the close of a run with folds over time does."""
        best: dict[str, Record] = {}
        for record in sorted((r for r in search.records if r.score), key=lambda r: r.loss or 0.0):
            if not record.pipeline.bases:
                best.setdefault(record.pipeline.family, record)
        for record in list(best.values())[:FULL_FITS]:
            assert record.evaluation is not None
            rounds = tuple(int(n) for n in np.median(record.evaluation.rounds, axis=0))
            workers.submit(Job(record.number, "full", record.pipeline, rounds=rounds))
            while workers.running:
                workers.poll(1.0)

    def _further_fits(self, search: Search, workers: Workers) -> None:
        """Fit one fold of each family's portfolio, and of DRAWS pipelines of its search space."""
        pipelines = []
        for fam in (FAMILIES[name] for name in installed()):
            if fam.max_rows is None or len(search.recorder.referee.data.y) <= fam.max_rows:
                features = search.policy.first_features(fam.name)
                drawn = [ask(fam, (), seed=seed) for seed in range(DRAWS)]
                pipelines += [Pipeline.of(features, fam.name, params) for params in (*fam.portfolio, *drawn)]
        folds, waiting = search.recorder.referee.folds, list(enumerate(pipelines, FIRST_KEY))
        while waiting or workers.running:
            if waiting and workers.idle:
                key, pipeline = waiting.pop(0)
                workers.submit(Job(key, "fold", pipeline, folds=folds.path, hard_seconds=MOST_SECONDS))
                continue
            for outcome in workers.poll(1.0):
                if isinstance(outcome.result, FoldResult):
                    rows = folds.rows[folds.positions[0]]
                    slope, errors = errors_of(outcome.result.valid, self.log_odds[rows])
                    line = {"what": "experiment", "number": outcome.job.key, "family": outcome.job.pipeline.family}
                    self.write(line | {"slope": round(slope, 4), "error": round(float(np.std(errors)), 4)})
