"""`medalist.grade`: scores a submission on held-out answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from medalist.agent.grade_files import grade_files
from medalist.agent.grading import Grade
from medalist.agent.python.options import PathLike, optional_path, runs_folder
from medalist.agent.python.results import Run

if TYPE_CHECKING:
    import pandas as pd


def grade(
    submission: Run | PathLike | pd.DataFrame,
    answers: PathLike | pd.DataFrame,
    *,
    competition: PathLike | None = None,
    metric: str | None = None,
    leaderboard: str | None = None,
    runs_dir: PathLike | None = None,
) -> Grade:
    """Score a submission on a holdout, say what that is worth among humans, and record it in the ledger.

    Parameters
    ----------
    submission : Run, path or DataFrame
        What is graded: the submission of a run, a file, or a table.
    answers : path or DataFrame
        The true values, under the ids of the submission.
    competition : path, optional
        The competition, for its task; else the submission's run tells.
    metric : str, optional
        The metric, where there is neither.
    leaderboard : str, optional
        The human leaderboard to compare with.
    runs_dir : path, optional
        Whose ledger records the grade; that of the run, else what MEDALIST_RUNS names, else "runs".

    Returns
    -------
    Grade
        competition, metric, score, standard_error, interval (of 80 %), and standing: a Standing, or why there is none.

    Raises
    ------
    MedalistError
        Where a file cannot be read, or submission, answers and task do not fit.

    Examples
    --------
    >>> medalist.grade(run, "cut/private/answers.csv").score  # doctest: +SKIP
    """
    with tempfile.TemporaryDirectory() as place:
        if isinstance(submission, Run):
            runs = runs_folder(runs_dir) if runs_dir is not None else submission.runs_dir
            path = submission.folder / "submission.csv"
        else:
            runs, path = runs_folder(runs_dir), _file(submission, Path(place) / "submission.csv")
        truth = _file(answers, Path(place) / "answers.csv")
        return grade_files(path, truth, optional_path(competition), metric, leaderboard, runs)[2]


def _file(given: PathLike | pd.DataFrame, place: Path) -> Path:
    """The path of a file; a DataFrame is written to `place`."""
    import pandas as pd

    if not isinstance(given, pd.DataFrame):
        return Path(given).expanduser()
    given.to_csv(place, index=False)
    return place
