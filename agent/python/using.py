"""Predictions of new rows by the models that a run kept."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from medalist.competitions.errors import MedalistError

if TYPE_CHECKING:
    import pandas as pd


def predict(folder: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """What the models of the run in a folder predict for the rows of a table, with the columns of a submission.

    Raises a MedalistError where the run has kept no models, or columns are missing.
    """
    try:
        using = import_module("medalist.agent.using")
    except ModuleNotFoundError as error:
        if error.name != "medalist.agent.using":
            raise
        raise MedalistError(
            "This version of medalist keeps no models, so it cannot predict new rows: put them into the test table."
        ) from None
    made: pd.DataFrame = using.predict(folder, frame)
    return made
