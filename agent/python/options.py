"""The arguments of `medalist.run`, `inspect` and `holdout`, in the form in which the agent takes them."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

from medalist.agent.budget import parse_duration, seconds_until
from medalist.competitions.errors import BudgetError, InputError, TaskError

Names = str | Sequence[str]
PathLike = str | os.PathLike[str]
MOST_SEED = 10**9  # estimators and samplers take no larger ones


class TaskOptions(TypedDict, total=False):
    """Keyword arguments that correct what is inferred of a task; each means what the option of the command line of that
    name does (docs/commands.md)."""

    id: Names
    problem_type: str
    folds: str
    n_splits: int
    positive: Any
    levels: Sequence[float]
    transform: str
    description: str


class RunOptions(TaskOptions, total=False):
    """`TaskOptions`, and the further keyword arguments of a run, which mean what the options of the command line do.
    `plan`: seconds, or a text such as "8h". `memory`: bytes, or a text such as "8G"."""

    task: PathLike
    leaderboard: str
    families: Names
    without: Names
    features: PathLike
    feature_search: bool
    stacking: bool
    postprocessing: bool
    plan: str | float
    memory: str | int
    cluster: str
    artifacts: str


def refuse_unknown(given: Collection[str], known: type, function: str) -> None:
    """Raise TypeError for the first argument that a function does not have, with the one that may be meant."""
    names = sorted({*known.__required_keys__, *known.__optional_keys__})  # type: ignore[attr-defined]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}."
            raise TypeError(f"medalist.{function}() has no argument {name!r}: {hint}")


def task_options(target: Names | None, metric: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of `infer_task`, all of them plain values that the ledger can keep.

    Raises TaskError where a task file is given and something beside it but the metric.
    """
    options = {
        "id": _names(given.get("id")),
        "targets": _names(target),
        "metric": metric,
        "problem_type": given.get("problem_type"),
        "folds": given.get("folds"),
        "n_splits": given.get("n_splits"),
        "positive": _plain(given.get("positive")),
        "levels": None if given.get("levels") is None else [float(level) for level in given["levels"]],
        "transform": given.get("transform"),
    }
    both = [n for n, value in options.items() if given.get("task") is not None and n != "metric" and value is not None]
    if both:
        name = "target" if both[0] == "targets" else both[0]
        raise TaskError(f"Give task= or {name}=, not both: write what is right into {given['task']}.")
    return options


def _names(given: Names | None) -> list[str] | None:
    return None if given is None else [given] if isinstance(given, str) else [str(name) for name in given]


def _plain(value: Any) -> Any:
    """A value of numpy as Python has it."""
    return value.item() if hasattr(value, "item") else value


def budget_of(budget: str | float | timedelta | None, until: str | None) -> tuple[float | None, float | None]:
    """Seconds, and the instant at which they end (seconds since the epoch) where they were given as a time of day.

    Raises BudgetError where both are given, or one cannot be read.
    """
    if budget is not None and until is not None:
        raise BudgetError("Give either budget= or until=, not both.")
    if until is not None:
        seconds = seconds_until(until)
        return seconds, time.time() + seconds
    if budget is None:
        return None, None
    return seconds_of(budget), None


def seconds_of(given: str | float | timedelta) -> float:
    """Seconds of a duration: a text such as "10m", a number of seconds, or a timedelta; BudgetError for others."""
    if isinstance(given, timedelta):
        return given.total_seconds()
    return parse_duration(given) if isinstance(given, str) else parse_duration(f"{float(given):f}")


def seed_of(seed: int) -> int:
    """The seed as a Python number; TaskError where it is none from 0 to MOST_SEED."""
    if not isinstance(_plain(seed), int) or not 0 <= seed <= MOST_SEED:
        raise TaskError(f"seed is {seed!r}: give a whole number from 0 to {MOST_SEED}.")
    return int(seed)


def runs_folder(given: PathLike | None) -> str:
    """The folder of runs: as given, else what MEDALIST_RUNS names, else runs/ in the working directory."""
    return os.fspath(given) if given is not None else os.environ.get("MEDALIST_RUNS") or "runs"


def path_of(path: PathLike | None, what: str = "a competition") -> str:
    """A path as text; InputError where there is none."""
    if path is None:
        raise InputError(f"Give {what}: a folder, a zip, a table, or a Kaggle slug; or train= and test= as DataFrames.")
    return os.fspath(path)


def optional_path(path: PathLike | None) -> str | None:
    """A path as text; None for None."""
    return None if path is None else str(Path(path).expanduser())
