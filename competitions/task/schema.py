"""The schema of task.yaml, as pydantic models, and one clear sentence for each mistake in a file.

The description of a field names the values that it takes; the sentences end with it.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from medalist.competitions.columns.cards import Kind
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.plan import SCHEMES, Scheme
from medalist.competitions.task.task import METRIC_SOURCES, PROBLEM_TYPES, MetricSource, ProblemType
from medalist.competitions.task.transform import WRITTEN

Label = StrictBool | StrictInt | StrictFloat | StrictStr
Names = Annotated[list[StrictStr], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
Level = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
_NAMES, _COLUMN = "a list of column names", "the name of a column, or nothing"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FoldsFile(_Strict):
    """`folds:` of task.yaml, the fields of a FoldPlan."""

    scheme: Scheme = Field(description=f"one of {', '.join(SCHEMES)}")
    n_splits: StrictInt = Field(5, ge=1, le=100, description="a whole number from 1 to 100")
    column: StrictStr | None = Field(None, description=_COLUMN)
    separator: StrictStr | None = Field(None, description="the text that ends the key, such as '_', or nothing")
    horizon: float | None = Field(None, gt=0, allow_inf_nan=False, description="a number above 0, or nothing")
    gap: float = Field(0.0, ge=0, allow_inf_nan=False, description="a number from 0")
    seed: StrictInt = Field(0, ge=0, description="a whole number from 0")
    reason: StrictStr = Field("", description="a text")


class TaskFile(_Strict):
    """The fields of task.yaml. None is for a field that is left out and therefore inferred."""

    name: StrictStr | None = Field(None, description="the name of the competition")
    id: Names | None = Field(None, description=_NAMES)
    targets: Annotated[Names, Field(min_length=1)] | None = Field(None, description=_NAMES)
    problem_type: ProblemType | None = Field(None, description=f"one of {', '.join(PROBLEM_TYPES)}")
    metric: StrictStr | None = Field(None, description="the name of a metric, or file.py:function")
    metric_source: dict[StrictStr, MetricSource] | None = Field(
        None, description=f"a pair METRIC: SOURCE, with a source out of {', '.join(METRIC_SOURCES)}"
    )
    classes: list[Label] | None = Field(None, description="a list of labels")
    positive: Label | None = Field(None, description="a label")
    levels: list[Level] | None = Field(
        None, min_length=1, description="a list of ascending numbers between 0 and 1, one for each column of quantiles"
    )
    transform: StrictStr | None = Field(None, description=WRITTEN)
    class_columns: dict[StrictStr, Label] | None = Field(
        None, description="pairs COLUMN: CLASS, for a submission with a column for each class"
    )
    row_keys: dict[StrictStr | StrictInt, Label] | None = Field(
        None, description="pairs KEY: TARGET, or KEY: CLASS, for a submission with several rows for each row of test"
    )
    folds: FoldsFile | None = Field(None, description=f"fields of a fold scheme, {', '.join(FoldsFile.model_fields)}")
    weights: StrictStr | None = Field(None, description=_COLUMN)
    drop: Names | None = Field(None, description=_NAMES)
    columns: dict[StrictStr, StrictStr] | None = Field(
        None, description=f"pairs NAME: KIND, with a kind out of {', '.join(Kind)}"
    )


def validate(data: Any, where: str) -> TaskFile:
    """The fields of a parsed task file, `where` being its path for messages.

    Raises TaskError, one sentence: the field, its value and what may be written.
    """
    if not isinstance(data, dict):
        raise TaskError(f"{where} does not hold a task: it needs lines such as 'metric: auc'; write it again.")
    try:
        return TaskFile.model_validate(data)
    except ValidationError as error:
        raise TaskError(f"{where}: {_sentence(error.errors()[0])}") from None


def _sentence(error: ErrorDetails) -> str:
    """The first mistake in a task file as one sentence: field, value and what may be written."""
    path = [str(part) for part in error["loc"]]
    if path[0] in ("classes", "positive", "levels", "class_columns", "row_keys") and len(path) > 1:
        path = path[:1] if path[0] in ("class_columns", "row_keys") else path[:-1]  # pydantic adds the type it tried
    field = ".".join(path)
    in_folds = path[0] == "folds" and len(path) > 1
    fields = (FoldsFile if in_folds else TaskFile).model_fields
    if error["type"] == "extra_forbidden":
        return f"{field} is no field of a task file; the fields are {', '.join(fields)}."
    allowed = fields[path[1] if in_folds else path[0]].description
    if error["type"] == "missing":
        return f"{field} is missing; write {allowed}."
    return f"{field} is {error['input']!r}, but must be {allowed}."
