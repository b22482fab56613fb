"""What a run that was ended needs to go on."""

from __future__ import annotations

import datetime as dt
import os
import socket
from dataclasses import replace

from medalist.agent.records.stores import open_ledger
from medalist.agent.run.run import RunConfig
from medalist.competitions.errors import BudgetError, LedgerError
from medalist.leaderboard.ledger.rows import RunRow

LEAST_SECONDS = 30.0


def resumed(
    run_id: str, runs_dir: str, budget: float | None, max_experiments: int | None, threads: int | None
) -> tuple[str, RunConfig]:
    """The whole id of a run and the configuration to go on with.

    Without a new budget, the run gets what was left of its old one when its last experiment was recorded; one that
    was to work until an hour of the clock works until then.

    Raises LedgerError where there is no such run, BudgetError where nothing is left.
    """
    with open_ledger(runs_dir) as ledger:
        row = ledger.run(run_id)
        experiments = ledger.experiments(row.id)
    if _goes_on(row):
        raise LedgerError(f"Run {row.id} still goes on in process {row.pid}: wait for its end, or end it with Ctrl-C.")
    config = replace(RunConfig.from_dict(row.config), runs_dir=runs_dir)
    if threads is not None:
        config = replace(config, threads=threads)
    if max_experiments is not None:
        config = replace(config, max_experiments=max_experiments)
    if budget is not None:
        return row.id, replace(config, budget=budget, until=None)
    if config.budget is not None:
        left = config.budget - max((e.run_seconds for e in experiments), default=0.0)
        if config.until is not None:
            left = config.until - dt.datetime.now().timestamp()
        if row.status == "finished" or left < LEAST_SECONDS:
            raise BudgetError(f"Run {row.id} has used its budget: give a new one with --budget 10m.")
        config = replace(config, budget=left)
    elif config.max_experiments is not None and len(experiments) >= config.max_experiments and row.status == "finished":
        raise BudgetError(f"Run {row.id} has done its {len(experiments)} experiments: give --max-experiments more.")
    return row.id, config


def _goes_on(row: RunRow) -> bool:
    """Whether the process that began a run on this machine is still at it."""
    return row.state == "running" and row.host == socket.gethostname() and row.pid != os.getpid()
