"""`medalist.run`: a run from Python."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Unpack

from medalist.agent.config import RunConfig
from medalist.agent.ending import report_at_end, run_to_end
from medalist.agent.python.competition import given_competition
from medalist.agent.python.displays import Shown, display_of
from medalist.agent.python.options import (
    Names,
    PathLike,
    RunOptions,
    budget_of,
    optional_path,
    refuse_unknown,
    runs_folder,
    seconds_of,
    seed_of,
)
from medalist.agent.python.results import Run, run_in
from medalist.agent.run.deadline import Deadline, never
from medalist.competitions.clock import awake

if TYPE_CHECKING:
    import pandas as pd

CHANGED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_WAIT_POLICY")


def run(
    path: PathLike | None = None,
    *,
    budget: str | float | timedelta | None = None,
    until: str | None = None,
    max_experiments: int | None = None,
    train: PathLike | pd.DataFrame | None = None,
    test: PathLike | pd.DataFrame | None = None,
    sample: PathLike | pd.DataFrame | None = None,
    target: Names | None = None,
    metric: str | None = None,
    name: str | None = None,
    seed: int = 0,
    threads: int | None = None,
    runs_dir: PathLike | None = None,
    report: bool | None = None,
    progress: Shown = "lines",
    stop: Event | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """Work on a competition until the budget ends, as `medalist run` does, and return the run.

    The run's folder, its ledger and its report are those of the command line, so that each can go on with what the
    other began. Ctrl-C (in a notebook: interrupting the kernel) closes the run with its submission and returns it; a
    second one raises KeyboardInterrupt. In a process that does other things too nothing enforces the deadline from
    outside: a library that does not return in time makes the run late.

    Parameters
    ----------
    path : str or path, optional
        A folder, a zip, a table, or a Kaggle slug, such as "titanic". Left out where DataFrames are given.
    budget : str, float or timedelta, optional
        How long to work: "10m", "8h", or seconds. It counts from the call and includes closing.
    until : str, optional
        Work until the clock shows this time, "07:00", in place of a budget.
    max_experiments : int, optional
        End the search after so many experiments; such a run is repeatable.
    train, test, sample : DataFrame or path, optional
        The tables, where there is no folder: `train` with the target, `test` without it, and the form of a submission.
        They are kept as files beside the runs. Without a `sample` the form follows from `metric`: probabilities where
        it takes them, a column for each class where these are more than two; else values of the target. Of a
        competition at a path these are names of files whose roles are unclear.
    target : str or list of str, optional
        The columns that are to be predicted; inferred where there is a sample.
    metric : str, optional
        Such as "auc", "rmse" or "file.py:function"; inferred where a description tells it.
    name : str, optional
        The competition's name; by default that of its folder, and "frames" for DataFrames.
    seed : int, default 0
        Of everything that is drawn.
    threads : int, optional
        Cores to use; all unless said.
    runs_dir : path, optional
        Where runs and their ledger are kept; else what MEDALIST_RUNS names, else "runs".
    report : bool, optional
        Whether report.html is written at the end; else as MEDALIST_REPORT says, else yes.
    progress : "lines", "bar", function, bar of tqdm, or None, default "lines"
        How the run is shown: a line for each event, a bar of tqdm, or a function that gets each event as a dictionary
        (those of `medalist run --json`), or nothing.
    stop : threading.Event, optional
        Set it from elsewhere to have the run closed: for a run in a thread, which gets no Ctrl-C.
    **options
        Further options of the command line, with underscores: id, problem_type, folds, n_splits, positive, levels,
        transform, description, task, leaderboard, families, without, features, feature_search, stacking,
        postprocessing, plan, memory, cluster, artifacts.

    Returns
    -------
    Run
        How it ended, with its results as DataFrames.

    Raises
    ------
    MedalistError
        Where the competition, the task or the budget do not allow a run; the message says what to do. What it calls
        --max-experiments is the argument max_experiments.
    TypeError
        For an argument that there is not.

    Examples
    --------
    >>> import medalist
    >>> run = medalist.run("titanic", budget="10m")  # doctest: +SKIP
    >>> run.submission.to_csv("mine.csv", index=False)  # doctest: +SKIP
    """
    refuse_unknown(options, RunOptions, "run")
    began = awake()
    seconds, instant = budget_of(budget, until)
    given: dict[str, Any] = dict(options)
    folder = runs_folder(runs_dir)
    display = display_of(progress)
    data = given_competition(path, train, test, sample, target, metric, given, home=Path(folder), name=name)
    config = RunConfig(
        path=data.path,
        budget=seconds,
        until=instant,
        max_experiments=max_experiments,
        planned=None if given.get("plan") is None else seconds_of(given["plan"]),
        seed=seed_of(seed),
        threads=threads,
        memory=_bytes_of(given.get("memory")),
        cluster=given.get("cluster"),
        artifacts=given.get("artifacts"),
        runs_dir=folder,
        leaderboard=given.get("leaderboard"),
        task_file=optional_path(given.get("task")),
        families=_tuple(given.get("families")),
        without=_tuple(given.get("without")),
        stacking=given.get("stacking", True),
        postprocessing=given.get("postprocessing", True),
        feature_search=given.get("feature_search", True),
        features_file=optional_path(given.get("features")),
        task_options=data.options,
        file_options=data.files,
    )
    asked = never if stop is None else stop.is_set
    wanted = report if report is not None else os.environ.get("MEDALIST_REPORT", "1").lower() not in ("0", "false")
    with environment_kept():
        result = run_to_end(config, display, began, Deadline(), report=wanted, asked=asked)
        if wanted:
            with contextlib.suppress(KeyboardInterrupt):  # the run has ended: its report is not worth its result
                report_at_end(result, config, began)
    return run_in(result.run_id, folder)


def _tuple(given: Names | None) -> tuple[str, ...]:
    return () if given is None else (given,) if isinstance(given, str) else tuple(given)


def _bytes_of(given: str | int | None) -> int | None:
    if given is None or isinstance(given, int):
        return given
    from medalist.agent.workers.allowance import parse_memory

    return parse_memory(given)


@contextlib.contextmanager
def environment_kept() -> Iterator[None]:
    """Put back the environment variables that a run sets for the libraries of its children."""
    before = {name: os.environ.get(name) for name in CHANGED}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
