"""RunConfig: what a person asks of a run, as the ledger keeps it for `medalist resume`."""

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
    until: the instant (seconds since the epoch) that the budget came from, if it was given as an hour of the clock.
    max_experiments: experiments to make; the run is then repeatable to the byte. None for no limit.
    threads: cores to use; None for all.
    families, without: estimator families to use (all if empty) and to leave out.
    task_options, file_options: what a person said of the task and of the roles of files.

    What another version of medalist wrote beside these is ignored.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

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

    @property
    def counted(self) -> bool:
        """Whether the budget is a number of experiments, so that nothing may depend on the clock or on other runs."""
        return self.max_experiments is not None

    def check(self) -> None:
        """BudgetError where there is no budget, or nothing to work with."""
        if self.budget is None and self.max_experiments is None:
            raise BudgetError("Say how long to work: give --budget 10m, --until 07:00 or --max-experiments 20.")
        if self.max_experiments is not None and self.max_experiments < 1:
            raise BudgetError("At least one experiment is needed: give --max-experiments 1 or more.")
        if self.threads is not None and self.threads < 1:
            raise BudgetError("At least one child process is needed: give --threads 1 or more.")
