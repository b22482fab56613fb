"""Submission files of single experiments of a run, as further ones to choose from beside its best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medalist.agent.config import RunConfig
from medalist.agent.records.contents import contents_of
from medalist.agent.run.reading import read
from medalist.agent.submitting.candidate import Candidate
from medalist.competitions.competition import Competition
from medalist.competitions.errors import SubmissionError
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.task.task import Task
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import ExperimentRow
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.problem import Problem, problem_of

MOST = 24  # experiments that are looked at, the best ones
SHARE_OF_ERROR = 1.0  # standard errors of the best one by which they may be worse than that


@dataclass(frozen=True)
class _Form:
    """See `contents.Form`."""

    competition: Competition
    task: Task
    metric: Metric
    problem: Problem


def experiments_of(best: Candidate, ledger: Ledger) -> Iterator[Candidate]:
    """The kept experiments of the run of `best` whose score is within its standard error of the best experiment's, the
    best ones first, as submission files in the sample's form. What cannot be made is left out.

    Raises a MedalistError where the competition cannot be read any more.
    """
    config = RunConfig.model_validate(best.run.config)
    competition, task = read(
        config.path, {}, config.file_options or {}, str(best.folder / "task.yaml"), config.seed
    )  # fmt: skip
    y = task.encode(competition.train)
    form = _Form(competition, task, task.scorer(), problem_of(task, y))
    decision = _decision(best, form, y)
    for row in _good_enough(ledger.experiments(best.run.id), form.metric.greater_is_better)[:MOST]:
        try:
            prediction = np.load(best.folder / "predictions" / f"{row.number}.test.npy", mmap_mode="r")
            data = contents_of(form, np.asarray(prediction), decision)
        except (OSError, ValueError, EOFError, SubmissionError):
            continue
        what = f"experiment {row.number} ({row.family})"
        made = {"ensemble": {str(row.number): 1.0}}
        yield Candidate(best.run, best.folder, data, "submission.csv", row.score, row.standard_error, made, what)


def _decision(best: Candidate, form: _Form, y: np.ndarray) -> Decision:
    """The decision that the best submission was made by, else the plain one."""
    recorded = best.made_from.get("decision")
    if isinstance(recorded, dict) and "kind" in recorded:
        return Decision(recorded["kind"], tuple(recorded.get("numbers") or ()))
    return plain_decision(form.metric, form.problem, y)


def _good_enough(rows: list[ExperimentRow], greater_is_better: bool) -> list[ExperimentRow]:
    """The kept ones that are hardly worse than the best, best first."""
    sign = 1.0 if greater_is_better else -1.0
    kept = sorted((r for r in rows if r.verdict == "keep" and r.score is not None), key=lambda r: -sign * _score(r))
    if not kept:
        return []
    least = sign * _score(kept[0]) - SHARE_OF_ERROR * (kept[0].standard_error or 0.0)
    return [r for r in kept if sign * _score(r) >= least]


def _score(row: ExperimentRow) -> float:
    return row.score if row.score is not None else float("nan")
