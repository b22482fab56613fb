"""A run from its beginning to its end: understand the competition, search, close, summarise."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalist.agent.budget import Budget
from medalist.agent.config import RunConfig
from medalist.agent.run.deadline import Deadline, interruptible
from medalist.agent.run.display import Display, Log, Progress
from medalist.agent.run.pools import pool_of
from medalist.agent.workers.pool import WorkerPool
from medalist.competitions.clock import awake
from medalist.leaderboard.boards.standing import Standing, sentence

if TYPE_CHECKING:
    from medalist.agent.run.setup import Prepared
    from medalist.agent.search.loop import Search

FRESH_SEED = 7919  # added to the folds' seed for folds that take no part in the search


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

    `began` is the instant, on the clock of `awake()`, from which the budget counts. `deadline` is that of a
    supervised process; without one nothing ends the process where the run has not ended by itself.

    Raises a MedalistError where the competition, the task, the budget or the folder does not allow it.
    """
    began = awake() if began is None else began
    config.check()
    budget = Budget(began, float("inf")) if config.budget is None else Budget.of(config.budget, began, config.until)
    deadline = deadline or Deadline()
    workers = None
    try:
        deadline.start(budget)
        workers = pool_of(config)
        return _run(config, display, budget, workers, resume, deadline)
    finally:
        deadline.stop()
        if workers is not None:
            workers.close()
        display.close()


def _run(
    config: RunConfig,
    display: Display,
    budget: Budget,
    workers: WorkerPool,
    resume: str | None,
    deadline: Deadline,
) -> RunResult:
    """Prepare the run while nobody else works in its folder, and work on it."""
    from medalist.agent.records.claim import claimed
    from medalist.agent.records.known_ledgers import remember
    from medalist.agent.records.stores import folder_of, open_ledger
    from medalist.agent.run.setup import prepare

    with contextlib.ExitStack() as claims:
        if resume:
            with open_ledger(config.runs_dir) as ledger:
                folder = folder_of(ledger.run(resume), config.runs_dir)
            claims.enter_context(claimed(folder))
            deadline.replaying() if (folder / "submission.csv").exists() else deadline.beginning()
        prepared = prepare(config, budget, workers, resume)
        if not resume:
            claims.enter_context(claimed(prepared.journal.folder))
        remember(config.runs_dir)
        return _begin(config, display, budget, workers, prepared, deadline)


def _begin(
    config: RunConfig, display: Display, budget: Budget, workers: WorkerPool, prepared: Prepared, deadline: Deadline
) -> RunResult:
    """Connect the journal's events to the display and the log, and work with signals handled."""
    journal = prepared.journal
    log = Log(journal.folder / "log.txt")

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

    journal.emit = emit
    emit({"event": "start", "run": journal.run_id, "folder": str(journal.folder), "text": prepared.headline})
    for note in prepared.notes:
        journal.note(note)
    with journal.ledger, interruptible(journal.queue.end) as stopped:
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
    workers: WorkerPool,
    prepared: Prepared,
    stopped: Callable[[], bool],
    deadline: Deadline,
) -> RunResult:
    """First submission, search, close and summary."""
    from medalist.agent.run.audit import BackgroundAudit
    from medalist.agent.run.summary import RunOutcome, summarise
    from medalist.agent.search.closing import Closing
    from medalist.agent.search.loop import Search
    from medalist.agent.search.recording import Recorder

    data, journal, submissions = prepared.referee.data, prepared.journal, prepared.submissions
    submissions.begin(prepared.referee, prepared.leaders.champion)
    deadline.submitted()
    workers.start(data.training_input)
    lineage = submissions.lineage
    if lineage is not None:
        lineage.search(data.competition.root)
    by_clock = budget.limited and not config.counted
    audit = BackgroundAudit(data, config.seed, journal.emit)

    def tick() -> None:
        if journal.records:  # nothing goes before the first model
            audit.begin()
        audit.collect()
        for text in workers.news():
            journal.note(text)
        display.tick(_progress(config, search, prepared))

    def closing(search: Search) -> Closing:
        seconds = search.recorder.judge_seconds
        expected = search.jobs.expected_bytes_of
        return Closing(
            prepared.referee, journal, submissions, workers, budget, by_clock, seconds, stopped, tick, expected
        )

    search = Search(
        recorder=Recorder(prepared.referee, journal, submissions, prepared.leaders),
        features=prepared.features,
        policy=prepared.policy,
        workers=workers,
        costs=prepared.costs,
        footprints=prepared.footprints,
        budget=budget,
        max_experiments=config.max_experiments,
        stopped=stopped,
        closing_seconds=lambda search: closing(search).seconds_needed(search.leaders.champion),
    )
    error, final = None, None
    try:
        try:
            search.calibrate()
            search.run(tick)
        except Exception as failure:  # noqa: BLE001 - whatever it is, what there is is closed
            error = failure
            text = f"The search was ended by an error, and the run is closed: {one_line(failure)}"
            journal.note(text, traceback.format_exc())
        try:
            final = closing(search).close(search.leaders.champion, data.task.folds.seed + FRESH_SEED)
        except Exception as failure:  # noqa: BLE001 - the submission of the search is on disk
            error = error or failure
            final = closing(search).given_up(search.leaders.champion)
            text = f"The close was ended by an error, and the last submission stays: {one_line(failure)}"
            journal.note(text, traceback.format_exc())
    finally:
        audit.close()
        if lineage is not None:
            lineage.close(budget.left)
    outcome = RunOutcome(
        journal=journal,
        submissions=submissions,
        leaders=search.leaders,
        features=prepared.features,
        final=final,
        findings=audit.findings,
        interrupted=stopped(),
        error=None if error is None else one_line(error),
        next=search.would_try_next() if by_clock and error is None else None,
    )
    summary = summarise(outcome, workers, budget)
    standing = None if final is None else submissions.standings.of(final.score)
    if isinstance(standing, Standing):
        journal.add_standing(data.competition.name, standing, submissions.path, data.task.metric)
    journal.finish(summary["status"], summary)
    journal.emit({"event": "finish", **summary})
    return RunResult(journal.run_id, journal.folder, summary)


def one_line(error: BaseException) -> str:
    """What an exception says, in one line; its class where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def _progress(config: RunConfig, search: Search, prepared: Prepared) -> Progress:
    """What the display shows of the search now."""
    champion, data, standing = search.leaders.champion, prepared.referee.data, ""
    if champion is not None:
        among_humans = prepared.submissions.standings.of(champion.score)
        standing = sentence(among_humans) if isinstance(among_humans, Standing) else ""
    running = [
        "screening candidates for features"
        if job.kind == "screen"
        else f"{job.pipeline.family}: " + ("features" if job.kind == "prepare" else f"fold {job.fold + 1}")
        for job in search.workers.running
    ]
    return Progress(
        title=f"{data.competition.name} · {search.recorder.journal.run_id}",
        metric=data.task.metric,
        seconds_left=search.budget.deadline - awake() if search.budget.limited else None,
        experiments=len(search.records),
        max_experiments=config.max_experiments,
        best=None if champion is None else champion.score.value,
        standard_error=None if champion is None else champion.score.standard_error,
        standing=standing,
        running=tuple(running),
    )
