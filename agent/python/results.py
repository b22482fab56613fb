"""A run as Python sees it: what it submitted, what that is worth, and all that it tried, as DataFrames."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalist.agent.python.html import run_html
from medalist.agent.python.options import PathLike, runs_folder
from medalist.agent.report.loader import RunContents, load_run
from medalist.competitions.errors import InputError, LedgerError
from medalist.leaderboard.boards.standing import Standing, sentence

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """A run and its results, as the ledger had them when it was opened. `medalist.run` and `medalist.open` return it.

    Examples
    --------
    >>> run = medalist.open("last")  # doctest: +SKIP
    >>> run.experiments.query("verdict == 'keep'")  # doctest: +SKIP
    """

    def __init__(self, contents: RunContents, runs_dir: str):
        self._contents = contents
        self._runs_dir = runs_dir

    @property
    def id(self) -> str:
        """The run's id."""
        return self._contents.run.id

    @property
    def runs_dir(self) -> str:
        """The folder of runs that it is in."""
        return self._runs_dir

    @property
    def competition(self) -> str:
        """The competition's name."""
        return self._contents.run.competition

    @property
    def status(self) -> str:
        """ "finished", "interrupted" (Ctrl-C, or killed), "failed", or "running"."""
        return self._contents.run.state

    @property
    def folder(self) -> Path:
        """The run's folder. LedgerError where it is gone."""
        if self._contents.folder is None:
            raise LedgerError(f"The folder of run {self.id} is gone from {self._contents.run.folder}.")
        return self._contents.folder

    @property
    def metric(self) -> str:
        """The name of the metric."""
        return self._contents.metric

    @property
    def score(self) -> float | None:
        """The estimate of the submission's score, on fresh folds where the run came to its end; None where there is
        none."""
        return self._contents.score

    @property
    def standard_error(self) -> float | None:
        """The standard error of `score`, in the same unit."""
        return self._contents.standard_error

    @property
    def standing(self) -> Standing | None:
        """What the score is worth among human teams (estimated); None where no leaderboard of its metric is known."""
        given = dict(self._contents.standing)
        if not given:
            return None
        names = {field.name for field in fields(Standing)}
        plain: dict[str, Any] = {}
        for name in names & set(given):
            plain[name] = tuple(given[name]) if isinstance(given[name], list) else given[name]
        return Standing(**plain)

    @property
    def summary(self) -> Mapping[str, Any]:
        """What summary.json holds; {} while the run goes on."""
        return self._contents.summary

    @cached_property
    def submission(self) -> pd.DataFrame:
        """The submission as it is in `submission.csv`. InputError where there is none."""
        from medalist.agent.graded_tables import table_of

        return table_of(self.folder / "submission.csv", "submission")

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """A row for each experiment, under its number: family, verdict, score, standard_error, weight (in the
        submission), seconds, reason, verdict_reason, arm, parent, fold_scores, features, parameters, seed, run_seconds,
        error."""
        from medalist.agent.python.tables import experiments_table

        return experiments_table(self._contents)

    @cached_property
    def features(self) -> pd.DataFrame:
        """A row for each feature that the search looked at closely, the largest gain first: feature (an expression),
        words (the same in English), status, gain, standard_error, unit (of both), experiment, step, reason."""
        from medalist.agent.python.tables import features_table

        return features_table(self._contents.features)

    @cached_property
    def oof(self) -> pd.DataFrame:
        """The out-of-fold predictions of what was submitted: a row for each training row, under its position: ids,
        targets, fold, and the prediction by models that were not fitted on the row.

        InputError where there are none (the submission is a constant), or where files of the run or of its competition
        are gone.
        """
        from medalist.agent.python.tables import out_of_fold_table

        return out_of_fold_table(self._contents, self._runs_dir)

    @property
    def report(self) -> Path | None:
        """The report as an HTML page; None where none was written."""
        path = None if self._contents.folder is None else self._contents.folder / "report.html"
        return path if path is not None and path.is_file() else None

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict rows that did not exist when the run worked.

        Parameters
        ----------
        frame : DataFrame
            The columns of the test table.

        Returns
        -------
        DataFrame
            The columns of a submission, a row for each row of `frame`, in their order.

        Raises
        ------
        MedalistError
            Where the run kept no models, or `frame` lacks a column.
        """
        from medalist.agent.python.using import predict

        return predict(self.folder, frame)

    def _repr_html_(self) -> str:
        standing = self.standing
        return run_html(self._contents, None if standing is None else sentence(standing))

    def __repr__(self) -> str:
        score = "no score yet"
        if self.score is not None:
            error = "" if self.standard_error is None else f" ± {self.standard_error:.2g}"
            score = f"{self.metric} {self.score:.6g}{error}"
        count = len(self._contents.experiments)
        return f"<Run {self.id} of {self.competition}: {self.status}, {score}, {count} experiments>"


def open(run: PathLike = "last", *, runs_dir: PathLike | None = None) -> Run:
    """Open a run that was made earlier, from Python or from the command line, or that still goes on.

    Parameters
    ----------
    run : str or path, default "last"
        The run's folder, its id or how that begins, a competition for its newest run, or "last".
    runs_dir : path, optional
        Where runs and their ledger are kept; else what MEDALIST_RUNS names, else "runs". Not needed for a folder.

    Returns
    -------
    Run

    Raises
    ------
    MedalistError
        Where there is no such run.

    Examples
    --------
    >>> medalist.open("runs/titanic/20261201-020311-1f2e3d4c").score  # doctest: +SKIP
    """
    place = Path(run).expanduser()
    if place.is_dir() and (place / "log.txt").is_file():
        place = place.resolve()
        folder = place.parent.parent if runs_dir is None else Path(runs_dir)
        return run_in(place.name, str(folder))
    if len(place.parts) > 1:
        raise InputError(f"{place} is no folder of a run: give one such as runs/titanic/20261201-020311-1f2e3d4c.")
    return run_in(os.fspath(run), runs_folder(runs_dir))


def run_in(run: str, runs_dir: str) -> Run:
    """The run of an id, or how it begins, in a folder of runs; LedgerError where there is none."""
    if not (Path(runs_dir).is_dir() or os.environ.get("MEDALIST_LEDGER")):
        raise LedgerError(f"There is no folder of runs {runs_dir}: say with runs_dir= where runs are kept.")
    return Run(load_run(run, runs_dir), runs_dir)
