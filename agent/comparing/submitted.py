"""Submissions on the rows of the test table: that they have them all and no others, and how far two agree."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medalist.agent.grading import by_id, submitted_predictions, wide_table
from medalist.competitions.errors import SubmissionError
from medalist.competitions.layout.id_match import id_index, same_ids_in_order
from medalist.competitions.task.task import Task


def refuse_other_rows(name: str, frame: pd.DataFrame, expected: pd.DataFrame, task: Task, competition: str) -> None:
    """Raise SubmissionError, which names the submission, unless it has the rows of `expected` (the sample, or the
    answers), each once, in any order."""
    try:
        keys = list(task.wide().submission_id or task.id)
        if task.long is not None:
            frame, expected = wide_table(task.long, frame), wide_table(task.long, expected, task.targets)
        if not keys:
            if len(frame) != len(expected):
                raise SubmissionError(f"It has {len(frame):,} rows where {competition} has {len(expected):,}.")
            return
        lacking = [k for k in keys if k not in frame]
        if lacking:
            raise SubmissionError(f"It has no column {lacking[0]!r}, the id of {competition}'s test rows.")
        if same_ids_in_order(frame, expected, keys):
            return
        own, wanted = id_index(frame[keys]), id_index(expected[keys])
        absent, others = ~wanted.isin(own), ~own.isin(wanted)
        if others.all():
            raise SubmissionError(f"None of its ids is of a test row of {competition}: it is of another competition.")
        if others.any():
            shown = [i for i in own[others] if str(i).lower() not in ("nan", "<na>")] or ["a missing one"]
            meant = "is it of another competition?" if others.mean() > 0.5 else "use those of the sample submission."
            raise SubmissionError(
                f"{int(others.sum()):,} of its {len(own):,} ids, such as {shown[0]}, are of no test row of "
                f"{competition}: {meant}"
            )
        if absent.any():
            raise SubmissionError(
                f"It lacks {int(absent.sum()):,} of the {len(wanted):,} test rows of {competition}, such as "
                f"{wanted[absent][0]}: every one needs a prediction."
            )
        by_id(frame, keys, "submission")
    except SubmissionError as error:
        raise named(name, error) from None


def named(name: str, error: Exception) -> SubmissionError:
    """The error with the name of the submission that it is of."""
    return SubmissionError(f"{name}: {error}")


def predictions_by_row(frame: pd.DataFrame, expected: pd.DataFrame, task: Task) -> np.ndarray | None:
    """(m, W) what a submission predicts, as the metric takes it, in the order of the rows of `expected`; None where it
    leaves out values that nobody asks for. Raises SubmissionError where columns or values are missing."""
    if task.long is not None:
        frame, expected = wide_table(task.long, frame), wide_table(task.long, expected, task.targets)
        task = task.wide()
        if frame.isna().any().any():
            return None
    keys = list(task.submission_id or task.id)
    if keys and not same_ids_in_order(frame, expected, keys):
        frame = by_id(frame, keys, "submission").loc[id_index(expected[keys])]
    return submitted_predictions(task, frame)


def agreement(task: Task, one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    """How far predictions (m, W) of the same rows agree: the share of rows with the same labels, or the rank
    correlation (Spearman), its mean over columns; None where one is constant or not known."""
    if one is None or other is None or one.shape != other.shape:
        return None
    if task.scorer().needs == "label":
        return float((one == other).all(axis=1).mean())
    found = []
    for a, b in zip(one.T, other.T, strict=True):
        ranks = pd.Series(a).rank().to_numpy(), pd.Series(b).rank().to_numpy()
        if min(r.std() for r in ranks) == 0:
            continue
        found.append(np.corrcoef(*ranks)[0, 1])
    return float(np.mean(found)) if found else None
