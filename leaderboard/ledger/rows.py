"""The rows of the ledger's tables as typed values.

The fields `run_id=""`, `number=-1` and `recorded=None` are set by the ledger when a row is recorded; leave them out in
a row that is to be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from medalist.leaderboard.ledger.process import Process, is_alive
from medalist.leaderboard.ledger.schema import FeatureStatus, GainUnit


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One `medalist run`, with the options that it was last started or resumed with (`config`).

    Attributes
    ----------
    status
        "running" until the run is finished, then how it ended; see `state` for a run whose process was killed.
    fingerprint
        Hash of the competition's data, equal for equal files.
    host, pid, process, attached
        The process that works on the run or did so last: host name, pid, its start (see `process.beginning`; "" in rows
        of version 2 and before) and the time since which it does.
    noise_floor
        By how much the loss of one pipeline differs between seeds, as measured in this run; None until it was.
    """

    id: str
    competition: str
    started: datetime
    finished: datetime | None
    status: str
    config: dict[str, Any]
    task: dict[str, Any]
    summary: dict[str, Any]
    fingerprint: str
    seed: int
    folder: str
    host: str
    pid: int
    attached: datetime
    n_experiments: int
    process: str = ""
    noise_floor: float | None = None

    @property
    def state(self) -> str:
        """`status`, or "interrupted" where the run was not finished and its process, on this machine, is gone."""
        if self.status != "running":
            return self.status
        alive = is_alive(Process(self.host, self.pid, self.process), self.attached)
        return "interrupted" if alive is False else self.status


@dataclass(frozen=True, kw_only=True)
class ExperimentRow:
    """One experiment: a pipeline with its reason and parent, what it scored, and the verdict.

    Attributes
    ----------
    number
        Counts the experiments of the run, from 0.
    verdict
        One of schema.VERDICTS.
    score, standard_error
        Out-of-fold score in the unit of the metric; None where the experiment failed or was ended early.
    fold_scores
        Score of each fold; None where the metric is not defined on a fold.
    seconds, fit_seconds
        Seconds of work, summed over child processes: of the whole experiment, and of fitting alone.
    error
        Traceback of what failed.
    artifact
        Name of the file of its predictions.
    arm, idea
        The bandit arm that proposed the experiment, and which of the arm's ideas it is: a text that means the same in
        every run.
    gain_in_noise
        By how much the ensemble's loss improved, in standard errors of the run's first score; None where the experiment
        was interrupted or the standard error was not known.
    early_loss
        Loss over the folds that were done when the experiment was ended early.
    fold_losses
        Loss of each fold, smaller is better; None where it is not defined on a fold.
    run_seconds
        Seconds that the run had worked, over all its parts, when the experiment was recorded.
    """

    number: int
    pipeline: dict[str, Any]
    pipeline_hash: str
    family: str
    reason: str
    verdict: str
    verdict_reason: str
    parent: int | None = None
    score: float | None = None
    standard_error: float | None = None
    fold_scores: tuple[float | None, ...] = ()
    seconds: float = 0.0
    fit_seconds: float = 0.0
    error: str | None = None
    artifact: str | None = None
    arm: str = ""
    idea: str | None = None
    gain_in_noise: float | None = None
    early_loss: float | None = None
    fold_losses: tuple[float | None, ...] = ()
    run_seconds: float = 0.0
    run_id: str = ""
    recorded: datetime | None = None


@dataclass(frozen=True)
class SubmissionRow:
    """One submission file as it was written: what it was made from, its hash, and its estimated score."""

    run_id: str
    number: int
    recorded: datetime
    made_from: dict[str, Any]
    path: str
    sha256: str
    score: float | None
    standard_error: float | None
    reason: str


@dataclass(frozen=True)
class StandingRow:
    """A score and its standing; everything from `board` to `to_next` is None where no board could be compared with."""

    id: str
    run_id: str | None
    competition: str
    recorded: datetime
    basis: str
    metric: str
    greater_is_better: bool
    score: float
    standard_error: float | None
    board: str | None
    teams: int | None
    who: str | None
    percentile: float | None
    medal: str | None
    next_medal: str | None
    to_next: float | None
    probabilities: dict[str, float]
    submission: str | None
    number: int = 0  # in the order in which the ledger got them, whatever the clock said


@dataclass(frozen=True)
class FeatureRow:
    """The status of one feature after one step of the feature search.

    Attributes
    ----------
    text
        Its canonical expression.
    shape
        The expression with its columns replaced by their kinds, which is what other competitions can learn from.
    step
        Number of the screening that it comes from, or that it is tested after.
    gain, standard_error
        In `unit`; None where nothing was measured.
    experiment
        Number of the experiment that tested it.
    """

    text: str
    shape: str
    step: int
    status: FeatureStatus
    gain: float | None = None
    standard_error: float | None = None
    unit: GainUnit = "loss"
    experiment: int | None = None
    reason: str = ""
    run_id: str = ""
    number: int = -1
    recorded: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ScreeningRow:
    """One screening of candidate features as a whole.

    Attributes
    ----------
    step
        Counts the screenings of the run, from 0.
    screened, passed
        Number of candidates that were looked at, and of those that passed.
    parent
        Number of the experiment whose residuals were to be explained.
    result
        The whole result, which a resumed run continues from; empty where it was not stored.
    """

    step: int
    screened: int
    passed: int
    seconds: float = 0.0
    note: str = ""
    parent: int | None = None
    result: dict[str, Any] = field(default_factory=dict)
    run_id: str = ""
    number: int = -1
    recorded: datetime | None = None
