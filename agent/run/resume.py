"""The configuration with which a run that was ended goes on."""

from __future__ import annotations

import datetime as dt
import os
import socket
from pathlib import Path

from medalist.agent.budget import Budget
from medalist.agent.config import RunConfig
from medalist.agent.records.delivery import deliver_waiting
from medalist.agent.records.removed import removed_from
from medalist.agent.records.stores import folder_of, open_ledger
from medalist.competitions.errors import BudgetError, LedgerError
from medalist.leaderboard.ledger.rows import RunRow

LEAST_SECONDS = 30.0  # least rest of an old budget for a run to go on without a new one


def resume_config(
    run_id: str,
    runs_dir: str,
    *,
    data: str | None = None,
    budget: float | None = None,
    until: float | None = None,
    max_experiments: int | None = None,
    threads: int | None = None,
    memory: int | None = None,
    cluster: str | None = None,
    artifacts: str | None = None,
) -> tuple[str, RunConfig]:
    """The whole id of a run and the configuration to go on with.

    budget: seconds; until: the instant (seconds since the epoch) that they were computed from, if they were. Without a
    new budget, the run gets what was left of its old one when its last experiment was recorded; one that was to work
    until an hour of the clock works until then. It goes on where it is told to, not where it ran: on this machine
    without `cluster`.

    data: where the competition is now, if it was moved.

    Raises LedgerError where there is no such run or it still goes on, BudgetError where nothing is left to do.
    """
    if budget is not None:
        Budget.of(budget)  # whether it is large enough
    with open_ledger(runs_dir) as ledger:
        waiting = deliver_waiting(ledger, runs_dir)
        try:
            row = ledger.run(run_id)
        except LedgerError as error:  # it may be one of those that the ledger has not been told of
            raise type(error)(" ".join([str(error), *waiting])) from None
        experiments = ledger.experiments(row.id)
    if _goes_on(row):
        raise LedgerError(f"Run {row.id} still goes on in process {row.pid}: wait for its end, or end it with Ctrl-C.")
    _require_models(row, runs_dir)
    config = RunConfig.model_validate({**row.config, "runs_dir": runs_dir})
    given = {"threads": threads, "memory": memory, "max_experiments": max_experiments}
    config = config.model_copy(update={name: value for name, value in given.items() if value is not None})
    config = config.model_copy(update={"cluster": cluster, "artifacts": artifacts})  # where it goes on, not how
    if data is not None:
        config = config.model_copy(update={"path": data})
    done = config.max_experiments is not None and len(experiments) >= config.max_experiments
    if done and row.status == "finished":
        raise BudgetError(f"Run {row.id} has done its {len(experiments)} experiments: give --max-experiments more.")
    if budget is not None:
        return row.id, config.model_copy(update={"budget": budget, "until": until})
    if config.budget is not None:
        left = config.budget - max((e.run_seconds for e in experiments), default=0.0)
        if config.until is not None:
            left = config.until - dt.datetime.now().timestamp()
        if row.status == "finished" or left < LEAST_SECONDS:
            raise BudgetError(f"Run {row.id} has used its budget: give a new one with --budget 10m.")
        config = config.model_copy(update={"budget": left})
    return row.id, config


def _require_models(row: RunRow, runs_dir: str) -> None:
    """LedgerError where `medalist clean` has removed what a run would go on from."""
    removed = removed_from(Path(runs_dir), row.id)
    if removed and not (folder_of(row, runs_dir) / "predictions").is_dir():
        raise LedgerError(f"Run {row.id} cannot go on: {removed[-1]} Start a new run of {row.competition}.")


def last_run_of(path: str, runs_dir: str) -> RunRow | None:
    """The newest run of the competition at a path, or of a Kaggle slug; None where there is none."""
    with open_ledger(runs_dir) as ledger:
        deliver_waiting(ledger, runs_dir)
        return next((row for row in ledger.runs() if of_path(row, path)), None)


def of_path(row: RunRow, path: str) -> bool:
    """Whether a run is of the competition at a path, or of the Kaggle slug."""
    there = Path(path).expanduser()
    recorded = Path(str(row.config.get("path", "")))
    if not there.exists():
        return recorded.name == path or row.competition == path
    return recorded in (there.resolve(), (there / "public").resolve())


def _goes_on(row: RunRow) -> bool:
    """Whether another process on this machine still works on a run."""
    return row.state == "running" and row.host == socket.gethostname() and row.pid != os.getpid()
