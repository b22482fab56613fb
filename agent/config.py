"""RunConfig: the options of a run, which the ledger stores for `medalist resume`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from medalist.competitions.errors import BudgetError


class RunConfig(BaseModel):
    """The options of a run; paths as given.

    Attributes
    ----------
    budget: seconds of work; None for no limit.
    until: the end of the budget in seconds since the epoch, if it was given as a time of day; else None.
    planned: seconds that the run is to take over all its parts, which decide how many folds it can afford; None where
        the budget does.
    max_experiments: number of experiments of the run, which is then repeatable to the byte. None for no limit.
    threads: cores to use; None for all.
    memory: bytes that all processes of the run may hold together; None for a share of what is available.
    cluster: address of the Dask scheduler on whose workers experiments run; None for this machine. artifacts: location
        in object storage through which its workers get the data; None where the cluster itself brings it.
    families, without: estimator families to use (all if empty) and to leave out.
    task_options, file_options: arguments of `infer_task` and `read_competition` with which a person corrects what is
        inferred about the task and about the roles of files.

    Further options, which another version of medalist wrote into the ledger, are ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    budget: float | None = None
    until: float | None = None
    planned: float | None = None
    max_experiments: int | None = None
    seed: int = 0
    threads: int | None = None
    memory: int | None = None
    cluster: str | None = None
    artifacts: str | None = None
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

    @property
    def counted(self) -> bool:
        """Whether the budget is a number of experiments, so that nothing may depend on the clock or on other runs."""
        return self.max_experiments is not None

    def check(self) -> None:
        """Raise BudgetError where there is neither a budget nor a number of experiments, or a number is below 1."""
        if self.budget is None and self.max_experiments is None:
            raise BudgetError("Say how long to work: give --budget 10m, --until 07:00 or --max-experiments 20.")
        if self.max_experiments is not None and self.max_experiments < 1:
            raise BudgetError("At least one experiment is needed: give --max-experiments 1 or more.")
        if self.threads is not None and self.threads < 1:
            raise BudgetError("At least one child process is needed: give --threads 1 or more.")
        if self.memory is not None and self.cluster is not None:
            raise BudgetError("Leave out --memory with --cluster: the cluster's workers have limits of their own.")
