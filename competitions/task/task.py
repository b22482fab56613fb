"""Task: what has to be predicted, how it is scored, and how predictions become a submission."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from medalist.competitions.errors import SubmissionError
from medalist.competitions.folds.plan import FoldPlan
from medalist.competitions.layout.id_match import rows_of_sample
from medalist.competitions.layout.long_ids import LongIds
from medalist.competitions.metrics.by_column import row_values
from medalist.competitions.metrics.metric import Metric
from medalist.competitions.metrics.quantiles import at_levels
from medalist.competitions.metrics.registry import get_metric
from medalist.competitions.task.labels import encode_labels, submission_labels
from medalist.competitions.task.target_values import target_column, target_numbers
from medalist.competitions.task.transform import parse_transform

Layout = Literal["value", "per_class", "per_target", "per_level", "long"]
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
    `classes`: labels in code order, the positive one last, () for regression. `layout` of a
    submission: "value" (one target in one column), "per_class" (a column for each class: `class_columns`, in class
    order, "" for a class without one), "per_target" (a column for each target), "per_level" (several quantiles of one
    target: `level_columns`, one for each of the ascending `levels`) or "long" (a row for each test row and target or
    class, named as `long` says; its keys are in the order of the targets or, where there are `class_columns`,
    begin with these). `submission_columns`: all columns of the sample, in order.
    `train_only`: columns that test lacks beside the targets. `drop`: columns that are not used as inputs. `weights`: a
    column of train with the weight of each row in the metric. `notes`: sentences for a person on what was inferred.
    `columns`: (name, kind) pairs that a person has set, for `describe_columns(overrides=dict(task.columns))`.
    `transform`: what is submitted is this function of the targets ("log1p", "per area"; see `transform.Transform`), ""
    for the targets themselves; encoded targets and predictions are its values.
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
    levels: tuple[float, ...] = ()
    level_columns: tuple[str, ...] = ()
    transform: str = ""
    long: LongIds | None = None

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
        """W, the number of columns of a prediction: one for each quantile level or, for multiclass, for each class,
        else one for each target."""
        if self.levels:
            return len(self.levels)
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
        """The metric of the task; of several quantiles it is bound to their levels."""
        metric = get_metric(self.metric, self.n_targets)
        return at_levels(metric, self.levels) if self.levels else metric

    def encode(self, train: pd.DataFrame) -> np.ndarray:
        """The targets as (n, T) float64: values for regression, under the `transform`, else codes (the place of each
        label in `classes`).

        Of several targets a value may be missing, since each may be measured on some rows only: it is NaN. Raises
        TaskError for a target that is absent, for a single one with missing values, for labels that are not in
        `classes`, and for values that the `transform` does not admit.
        """
        encoded = np.empty((len(train), self.n_targets))
        transform = parse_transform(self.transform)
        for i, target in enumerate(self.targets):
            values = target_column(train, target, gaps=self.n_targets > 1)
            if self.is_classification:
                encoded[:, i] = encode_labels(values, self.classes)
            else:
                encoded[:, i] = transform.apply(target_numbers(values), train, target)
        return encoded

    def metric_rows(self, train: pd.DataFrame) -> np.ndarray | None:
        """What the metric is told of each row: its weight, (n,) float64, or the values of the metric's columns, (n, F);
        None where it looks at target and prediction alone. Raises MetricError for a column that the table lacks."""
        columns = self.scorer().columns
        if columns:
            return row_values(train, columns)
        return None if self.weights is None else train[self.weights].to_numpy(dtype=float)

    def features(self, train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
        """The columns that may be used as inputs, in the order of train: shared ones less weights and drop."""
        unusable = {*self.targets, *self.drop, *self.train_only, self.weights}
        return [name for name in train.columns if name in test.columns and name not in unusable]

    def submission(self, test: pd.DataFrame, predictions: np.ndarray, sample: pd.DataFrame | None) -> pd.DataFrame:
        """Predictions of the test rows, in test order, as a submission of the sample's form and row order.

        `predictions`: in the form that the metric scores, (n, T) values or class codes, or probabilities, (n, T) of
        the positive class or (n, K) of each class, or (n, W) quantiles, which are put in order where they cross; a
        ranking is made from probabilities. Raises SubmissionError where
        shape or ids do not fit, and where a prediction is not finite.
        """
        predictions = np.asarray(predictions, dtype=float).reshape(len(predictions), -1)
        if len(predictions) != len(test):
            raise SubmissionError(f"There are {len(predictions)} predictions for {len(test)} test rows.")
        if not np.isfinite(predictions).all():
            lacking = int((~np.isfinite(predictions)).any(axis=1).sum())
            raise SubmissionError(f"{lacking} of {len(test)} test rows have no finite prediction.")
        if self.long is not None:
            return self._long_submission(self.long, test, predictions, sample)
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

    def wide(self) -> Task:
        """The same task with its answers in columns: itself, unless its submission is long."""
        if self.long is None:
            return self
        layout: Layout = (
            "per_level"
            if self.levels
            else "per_class"
            if self.class_columns
            else "per_target"
            if self.n_targets > 1
            else "value"
        )
        columns = (*self.long.ids, *self.long.keys)
        return replace(self, layout=layout, long=None, submission_id=self.long.ids, submission_columns=columns)

    def _long_submission(
        self, long: LongIds, test: pd.DataFrame, predictions: np.ndarray, sample: pd.DataFrame | None
    ) -> pd.DataFrame:
        """The predictions (n, W) of the test rows as a long submission."""
        frame = long.named(test[list(long.ids)]) if sample is None else sample[list(long.columns)]
        rows, places = long.rows(frame, test)
        shown = None if sample is None else sample[[long.value] * len(long.keys)].set_axis(list(long.keys), axis=1)
        predicted = self.wide()._predicted(predictions, shown)
        nothing = np.zeros(len(predictions))
        table = np.stack([predicted.get(key, nothing) for key in long.keys], axis=1)
        answers = frame.assign(**{long.value: table[rows, places]})
        return answers if sample is None else answers[list(sample.columns)]

    def _predicted(self, predictions: np.ndarray, sample: pd.DataFrame | None) -> dict[str, np.ndarray]:
        """The predicted columns of a submission, by name, from `predictions` in the sample's row order."""
        metric = self.scorer()
        expected = self.width if metric.needs in ("probability", "ranking") or self.levels else self.n_targets
        if predictions.shape[1] != expected:
            raise SubmissionError(
                f"The metric {metric.name} needs {expected} column(s) of predictions, not {predictions.shape[1]}."
            )
        if self.layout == "per_level":
            return dict(zip(self.level_columns, np.sort(predictions, axis=1).T, strict=True))
        if self.layout == "per_class":
            shares = self._class_probabilities(predictions, metric.needs)
            return {name: share for name, share in zip(self.class_columns, shares.T, strict=True) if name}
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
        """The probabilities of the class columns, (n, len(class_columns)).

        Where some classes have no column (""), those of the others are raised in proportion to sum to 1.
        """
        if needs == "label":
            shares = np.eye(self.n_classes)[predictions[:, 0].round().astype(np.int64)]
        elif predictions.shape[1] == 1:
            shares = np.column_stack([1 - predictions[:, 0], predictions[:, 0]])
        else:
            shares = predictions
        if len(self.class_columns) == 1:
            return shares[:, -1:]
        named = np.array([bool(name) for name in self.class_columns])
        if named.all():
            return shares
        total = shares[:, named].sum(axis=1, keepdims=True)
        return np.where(named, np.divide(shares, total, out=np.full_like(shares, 1 / named.sum()), where=total > 0), 0)


def _ranked(shares: np.ndarray, classes: tuple[Any, ...], top: int, sample: pd.Series | None) -> np.ndarray:
    """The `top` most probable labels of each row as one text, (n,), with the sample's separator."""
    best = np.argsort(-shares, axis=1, kind="stable")[:, :top]
    comma = sample is not None and sample.astype(str).str.contains(",").any() and " " not in str(sample.iloc[0])
    texts = np.array([str(label) for label in classes], dtype=object)
    return np.array([("," if comma else " ").join(row) for row in texts[best]], dtype=object)
