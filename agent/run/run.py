"""A run from its beginning to its end: understand the competition, search, close, tell."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalist.agent.budget import Budget
from medalist.agent.run.deadline import Deadline, interruptible
from medalist.agent.run.display import Display, Log, Progress
from medalist.agent.workers.local import Workers
from medalist.competitions.errors import BudgetError, LedgerError, SubmissionError
from medalist.leaderboard.boards.standing import Standing, sentence

if TYPE_CHECKING:
    from medalist.agent.run.setup import Prepared
    from medalist.agent.search.session import Session

FRESH_SEED = 7919  # added to the folds' seed for folds that take no part in the search


@dataclass(frozen=True)
class RunConfig:
    """What a person asks for; paths as given.

    `budget` in seconds, None for no limit; `until`: the instant (seconds since the epoch) that it came from, if it did.
    """

    path: str
    budget: float | None = None
    until: float | None = None
    max_experiments: int | None = None
    seed: int = 0
    threads: int | None = None
    runs_dir: str = "runs"
    leaderboard: str | None = None
    task_file: str | None = None
    families: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    feature_search: bool = True
    stacking: bool = True
    postprocessing: bool = True
    features_file: str | None = None
    task_options: Mapping[str, Any] | None = None
    file_options: Mapping[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> RunConfig:
        return cls(**{**document, **{name: tuple(document.get(name, ())) for name in ("families", "without")}})


@dataclass(frozen=True)
class RunResult:
    """How a run ended; `summary` is what `summary.json` holds."""

    run_id: str
    folder: Path
    summary: Mapping[str, Any]


def run(
    config: RunConfig,
    display: Display,
    *,
    began: float | None = None,
    resume: str | None = None,
    deadline: Deadline | None = None,
) -> RunResult:
    """Run the agent on a competition, or go on with a run that was ended (`resume`: its id).

    `began` is the instant, on the clock of `time.monotonic()`, from which the budget counts. `deadline` is that of a
    supervised process; without one nothing ends the process where the run has not ended by itself.

    Raises a MedalistError where the competition, the task, the budget or the folder does not allow it.
    """
    began = time.monotonic() if began is None else began
    if config.budget is None and config.max_experiments is None:
        raise BudgetError("Say how long to work: give --budget 10m, --until 07:00 or --max-experiments 20.")
    if config.max_experiments is not None and config.max_experiments < 1:
        raise BudgetError("At least one experiment is needed: give --max-experiments 1 or more.")
    if config.threads is not None and config.threads < 1:
        raise BudgetError("At least one child process is needed: give --threads 1 or more.")
    budget = Budget(began, float("inf")) if config.budget is None else Budget.of(config.budget, began)
    workers = Workers(config.threads or _cores())
    workers.warm_up()
    deadline = deadline or Deadline()
    try:
        deadline.start(budget)
        return _run(config, display, budget, workers, resume, deadline)
    finally:
        deadline.stop()
        workers.close()
        display.close()


def _cores() -> int:
    """Cores that this process may use: what its affinity and its container allow."""
    import joblib

    return int(joblib.cpu_count())


def _run(
    config: RunConfig,
    display: Display,
    budget: Budget,
    workers: Workers,
    resume: str | None,
    deadline: Deadline,
) -> RunResult:
    from medalist.agent.records.outputs import claimed
    from medalist.agent.records.stores import folder_of, open_ledger
    from medalist.agent.run.setup import prepare

    with contextlib.ExitStack() as claims:
        if resume:
            with open_ledger(config.runs_dir) as ledger:
                folder = folder_of(ledger.run(resume), config.runs_dir)
            claims.enter_context(claimed(folder))
            if (folder / "submission.csv").exists():
                deadline.replaying()
        prepared = prepare(config, budget, workers, resume)
        if not resume:
            claims.enter_context(claimed(prepared.session.outputs.folder))
        return _begin(config, display, budget, workers, prepared, deadline)


def _begin(
    config: RunConfig, display: Display, budget: Budget, workers: Workers, prepared: Prepared, deadline: Deadline
) -> RunResult:
    session = prepared.session
    log = Log(session.outputs.folder / "log.txt")

    watched = True

    def emit(event: Mapping[str, Any]) -> None:
        nonlocal watched
        timed = {**event, "at": round(budget.used, 3)}
        with contextlib.suppress(OSError):  # a line of the log is not worth a night
            log.write(timed)
        try:
            if watched:
                display.event(timed)
        except OSError:  # whoever read it is gone; the run goes on
            watched = False

    session.emit = emit
    emit({"event": "start", "run": session.run_id, "folder": str(session.outputs.folder), "text": prepared.headline})
    for note in prepared.notes:
        emit({"event": "note", "text": note})
    with session.ledger, interruptible(session.ledger, session.run_id) as stopped:
        try:
            return _work(config, display, budget, workers, prepared, stopped, deadline)
        except Exception as error:
            with contextlib.suppress(OSError):
                log.write({"event": "note", "text": f"The run failed: {error}", "error": traceback.format_exc()})
            raise


def _work(
    config: RunConfig,
    display: Display,
    budget: Budget,
    workers: Workers,
    prepared: Prepared,
    stopped: Callable[[], bool],
    deadline: Deadline,
) -> RunResult:
    from medalist.agent.records import submissions as submitting
    from medalist.agent.run.audit import BackgroundAudit
    from medalist.agent.run.summary import summarise
    from medalist.agent.search import closing
    from medalist.agent.search.loop import Search

    session = prepared.session
    if session.constant_answer is None:
        submitting.write_constant(session)
    deadline.submitted()
    workers.start(session.ground.bench)
    search = Search(
        session=session,
        workers=workers,
        policy=prepared.policy,
        costs=prepared.costs,
        budget=budget,
        max_experiments=config.max_experiments,
        stopped=stopped,
        closing_seconds=lambda: closing.seconds_needed(
            session, workers.count, budget, by_clock=config.max_experiments is None
        ),
    )
    audit = BackgroundAudit(session.ground, config.seed, session.emit)

    def tick() -> None:
        if session.records:  # nothing goes before the first model
            audit.begin()
        audit.collect()
        display.tick(_progress(config, session, workers, budget))

    failed: Exception | None = None
    try:
        search.calibrate()
        try:
            search.run(tick)
        except (LedgerError, SubmissionError, OSError) as error:  # of the ledger or the disk: what there is is closed
            failed = error
            session.emit({"event": "note", "text": f"The search was ended by an error, and the run is closed: {error}"})
        by_clock = budget.limited and config.max_experiments is None
        final = closing.close(
            closing.Closing(session, workers, budget, by_clock, stopped, tick),
            session.ground.task.folds.seed + FRESH_SEED,
        )
        if failed is not None:
            raise failed
    finally:
        audit.close()
    summary = summarise(session, workers, final, budget, audit.findings, interrupted=stopped())
    session.outputs.write_json("summary.json", summary)
    session.ledger.finish_run(session.run_id, summary["status"], summary)
    standing = None if final is None else session.standing(final.score)
    if isinstance(standing, Standing):
        name = session.ground.competition.name
        session.ledger.add_standing(
            session.run_id, name, standing, str(session.outputs.submission), session.ground.task.metric
        )
    session.emit({"event": "finish", **summary})
    return RunResult(session.run_id, session.outputs.folder, summary)


def _progress(config: RunConfig, session: Session, workers: Workers, budget: Budget) -> Progress:
    champion, standing = session.champion, ""
    if champion is not None and isinstance(found := session.standing(champion.score), Standing):
        standing = sentence(found)
    running = [
        "screening candidates for features"
        if job.kind == "screen"
        else f"{job.pipeline.family}: " + ("features" if job.kind == "prepare" else f"fold {job.fold + 1}")
        for job in workers.running
    ]
    return Progress(
        title=f"{session.ground.competition.name} · {session.run_id}",
        metric=session.ground.task.metric,
        seconds_left=budget.deadline - time.monotonic() if budget.limited else None,
        experiments=len(session.records),
        max_experiments=config.max_experiments,
        best=None if champion is None else champion.score.value,
        standard_error=None if champion is None else champion.score.standard_error,
        standing=standing,
        running=tuple(running),
    )
