"""Task: what has to be predicted, how it is scored, and how predictions become a submission."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from medalist.competitions.errors import SubmissionError, TaskError
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.layout.id_match import rows_of_sample
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.task.labels import encode_labels, plain, submission_labels

Layout = Literal["value", "per_class", "per_target"]
ProblemType = Literal["binary", "multiclass", "ordinal", "regression"]
PROBLEM_TYPES: tuple[str, ...] = get_args(ProblemType)
MetricSource = Literal["given", "file", "description", "kaggle", "known competition", "assumed"]
METRIC_SOURCES: tuple[str, ...] = get_args(MetricSource)


@dataclass(frozen=True)
class Task:
    """What has to be predicted and how it is scored, inferred by `infer.infer_task` or read from a task.yaml.

    `id`: id columns of test, () where rows are matched by their order; `submission_id`: their names in the sample, in
    the same order. `metric_source`: "given" (a flag), "file" (a task.yaml), "description" (`metric_quote` is the
    sentence), "kaggle" (the quote is Kaggle's name of it), "known competition" (of that name) or "assumed".
    `classes`: labels in code order, the positive one last, () for regression. `layout` of a submission: "value" (one
    target in one column), "per_class" (a column for each class: `class_columns`, in class order) or "per_target" (a
    column for each target). `submission_columns`: all columns of the sample, in order.
    `train_only`: columns that test lacks beside the targets. `drop`: columns that are not used as inputs. `weights`: a
    column of train with the weight of each row in the metric. `notes`: sentences for a person on what was inferred.
    `columns`: (name, kind) pairs that a person has set, for `describe_columns(overrides=dict(task.columns))`.
    """

    name: str
    id: tuple[str, ...]
    targets: tuple[str, ...]
    problem_type: str
    metric: str
    metric_source: MetricSource
    metric_quote: str
    classes: tuple[Any, ...]
    layout: Layout
    submission_columns: tuple[str, ...]
    class_columns: tuple[str, ...]
    train_only: tuple[str, ...]
    drop: tuple[str, ...]
    folds: FoldPlan
    weights: str | None = None
    notes: tuple[str, ...] = ()
    submission_id: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = field(default=())

    @property
    def n_targets(self) -> int:
        """T, the number of target columns."""
        return len(self.targets)

    @property
    def n_classes(self) -> int:
        """K, the number of classes; 0 for regression."""
        return len(self.classes)

    @property
    def width(self) -> int:
        """W, the number of columns of a prediction: one for each class for multiclass, else one for each target."""
        return self.n_classes if self.problem_type == "multiclass" else self.n_targets

    @property
    def is_classification(self) -> bool:
        """Whether the targets are labels (binary, multiclass or ordinal)."""
        return self.problem_type != "regression"

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """The columns of a submission beside its ids, in order."""
        return tuple(name for name in self.submission_columns if name not in self.submission_id)

    def scorer(self) -> Metric:
        """The metric of the task."""
        return get_metric(self.metric, self.n_targets)

    def encode(self, train: pd.DataFrame) -> np.ndarray:
        """The targets as (n, T) float64: values for regression, else codes (the place of each label in `classes`).

        Raises TaskError for a target that is absent or has missing values, or labels that are not in `classes`.
        """
        encoded = np.empty((len(train), self.n_targets))
        for i, target in enumerate(self.targets):
            values = target_column(train, target)
            if self.is_classification:
                encoded[:, i] = encode_labels(values, self.classes)
            else:
                encoded[:, i] = target_numbers(values)
        return encoded

    def row_weights(self, train: pd.DataFrame) -> np.ndarray | None:
        """The weight of each row in the metric, (n,) float64; None where all count alike."""
        return None if self.weights is None else train[self.weights].to_numpy(dtype=float)

    def features(self, train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
        """The columns that may be used as inputs, in the order of train: shared ones less weights and drop."""
        unusable = {*self.targets, *self.drop, *self.train_only, self.weights}
        return [name for name in train.columns if name in test.columns and name not in unusable]

    def submission(self, test: pd.DataFrame, predictions: np.ndarray, sample: pd.DataFrame | None) -> pd.DataFrame:
        """Predictions of the test rows, in test order, as a submission of the sample's form and row order.

        `predictions`: in the form that the metric scores, (n, T) values or class codes, or probabilities, (n, T) of
        the positive class or (n, K) of each class; a ranking is made from probabilities. Raises SubmissionError where
        shape or ids do not fit, and where a prediction is not finite.
        """
        predictions = np.asarray(predictions, dtype=float).reshape(len(predictions), -1)
        if len(predictions) != len(test):
            raise SubmissionError(f"There are {len(predictions)} predictions for {len(test)} test rows.")
        if not np.isfinite(predictions).all():
            lacking = int((~np.isfinite(predictions)).any(axis=1).sum())
            raise SubmissionError(f"{lacking} of {len(test)} test rows have no finite prediction.")
        rows = rows_of_sample(test, sample, self.id, self.submission_id)
        predictions = predictions[rows]
        predicted = self._predicted(predictions, sample)
        table = {}
        for name in self.submission_columns:
            if name in predicted:
                table[name] = predicted[name]
            elif sample is not None:
                table[name] = sample[name].to_numpy() if name in self.submission_id else np.zeros(len(rows))
            else:
                table[name] = test[self.id[self.submission_id.index(name)]].to_numpy()
        return pd.DataFrame(table)

    def _predicted(self, predictions: np.ndarray, sample: pd.DataFrame | None) -> dict[str, np.ndarray]:
        """The predicted columns of a submission, by name, from `predictions` in the sample's row order."""
        metric = self.scorer()
        expected = self.width if metric.needs in ("probability", "ranking") else self.n_targets
        if predictions.shape[1] != expected:
            raise SubmissionError(
                f"The metric {metric.name} needs {expected} column(s) of predictions, not {predictions.shape[1]}."
            )
        if self.layout == "per_class":
            return dict(zip(self.class_columns, self._class_probabilities(predictions, metric.needs).T, strict=True))
        columns = self.prediction_columns
        if metric.needs == "ranking":
            if predictions.shape[1] == 1:  # two classes: the probability of the positive one
                predictions = np.hstack([1 - predictions, predictions])
            shown = None if sample is None else sample[columns[0]]
            return {columns[0]: _ranked(predictions, self.classes, metric.top, shown)}
        if metric.needs == "label":
            codes = predictions.round().astype(np.int64)
            if codes.size and (codes.min() < 0 or codes.max() >= self.n_classes):
                raise SubmissionError(f"Codes of classes must lie between 0 and {self.n_classes - 1}.")
            return {
                name: submission_labels(self.classes, None if sample is None else sample[name])[codes[:, i]]
                for i, name in enumerate(columns)
            }
        if self.problem_type == "ordinal" and not isinstance(self.classes[0], str):
            predictions = np.interp(predictions, np.arange(self.n_classes), np.asarray(self.classes, dtype=float))
        return {name: predictions[:, i] for i, name in enumerate(columns)}

    def _class_probabilities(self, predictions: np.ndarray, needs: str) -> np.ndarray:
        """The probabilities of the class columns, (n, len(class_columns))."""
        if needs == "label":
            shares = np.eye(self.n_classes)[predictions[:, 0].round().astype(np.int64)]
        elif predictions.shape[1] == 1:
            shares = np.column_stack([1 - predictions[:, 0], predictions[:, 0]])
        else:
            shares = predictions
        return shares[:, -1:] if len(self.class_columns) == 1 else shares


def target_column(train: pd.DataFrame, target: str) -> pd.Series:
    """The column of a target.

    Raises TaskError where train lacks it, where values are missing, and where the last value is only the beginning of
    another one, as in a file that was cut short.
    """
    if target not in train.columns:
        raise TaskError(f"The target {target!r} is no column of the training table: name one with --target.")
    values = train[target]
    missing = int(values.isna().sum())
    if missing == 1 and len(values) > 1 and pd.isna(values.iloc[-1]):
        raise TaskError(
            f"The target {target!r} is missing in the last of {len(values)} training rows alone: the file may have "
            f"been cut short; copy it again, or remove that row."
        )
    if missing:
        raise TaskError(
            f"The target {target!r} is missing in {missing} of {len(values)} training rows: remove these rows from the "
            f"training table, or name another target with --target."
        )
    last = values.iloc[-1] if len(values) else None
    if isinstance(last, str) and not last[-1:].isdigit() and (values == last).sum() == 1:  # 1 is no piece of 10
        whole = next((v for v in values.unique() if isinstance(v, str) and v.startswith(last) and v != last), None)
        if whole is not None:
            raise TaskError(
                f"The target {target!r} is {last!r} in the last training row alone, the beginning of {whole!r}: the "
                f"file may have been cut short; copy it again, or remove that row."
            )
    return values


def target_numbers(values: pd.Series) -> np.ndarray:
    """A target of regression as (n,) finite float64. Raises TaskError where values are no numbers."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~np.isfinite(numbers)
    if bad.any():
        count, first = int(bad.sum()), plain(values[bad].iloc[0])
        if np.isinf(numbers[bad]).all():
            raise TaskError(
                f"The target {values.name!r} is infinite in {count} of {len(values)} training rows ({first}): write "
                f"finite numbers there."
            )
        raise TaskError(
            f"The target {values.name!r} holds {count} values that are no numbers, such as {first!r}: write numbers in "
            f"their place, or give --problem-type multiclass for labels."
        )
    return numbers


def _ranked(shares: np.ndarray, classes: tuple[Any, ...], top: int, sample: pd.Series | None) -> np.ndarray:
    """The `top` most probable labels of each row as one text, (n,), with the sample's separator."""
    best = np.argsort(-shares, axis=1, kind="stable")[:, :top]
    comma = sample is not None and sample.astype(str).str.contains(",").any() and " " not in str(sample.iloc[0])
    texts = np.array([str(label) for label in classes], dtype=object)
    return np.array([("," if comma else " ").join(row) for row in texts[best]], dtype=object)
