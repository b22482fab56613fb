"""The contents of a submission, from predictions of the test rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from medalist.agent.run_data import RunData
from medalist.competitions.competition import Competition
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.submission import check_submission, submission_bytes
from medalist.competitions.task.task import Task
from medalist.pipelines.decisions.decision import Decision, plain_decision
from medalist.pipelines.problem import Problem


class Form(Protocol):
    """What decides on the form of a submission: as `RunData` has it."""

    @property
    def competition(self) -> Competition: ...
    @property
    def task(self) -> Task: ...
    @property
    def metric(self) -> Metric: ...
    @property
    def problem(self) -> Problem: ...


def best_constant(data: RunData) -> tuple[np.ndarray, Decision]:
    """The best constant prediction (W,) or (T,) of a row, and the decision that it is submitted by."""
    metric, problem = data.metric, data.problem
    constant = metric.best_constant(data.y, problem.n_classes, data.weights)
    if metric.needs != "label" and problem.classification:
        return constant, plain_decision(metric, problem, data.y)
    return constant, Decision("values", (-np.inf, np.inf))


def contents_of(data: Form, prediction: np.ndarray, decision: Decision) -> bytes:
    """The contents of a submission, in the sample's form, from canonical test predictions (m, W).

    Raises SubmissionError where it does not have the sample submission's form.
    """
    return answers(data, data.competition.test, decision.apply(prediction), data.competition.sample)[1]


def answers(
    data: Form, rows: pd.DataFrame, decided: np.ndarray, sample: pd.DataFrame | None
) -> tuple[pd.DataFrame, bytes]:
    """Decided predictions (k, T) or (k, W) of rows as a table, and the contents of its file, in the form of a sample of
    these rows; None where the competition has no sample.

    Raises SubmissionError where the table does not have the sample's form.
    """
    task = data.task
    frame = task.submission(rows, decided, sample)
    if sample is not None:
        shares = data.metric.needs == "probability" and data.problem.classification
        check_submission(
            frame,
            sample,
            task.submission_id,
            probability=shares,
            ascending=task.level_columns if task.layout == "per_level" else (),
            sum_to_one=shares and task.layout == "per_class" and len(task.class_columns) > 1,
        )
    return frame, submission_bytes(frame, data.competition.sample_form)
