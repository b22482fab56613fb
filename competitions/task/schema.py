"""The form of task.yaml, and one clear sentence for each mistake in it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError
from pydantic_core import ErrorDetails

from medalist.competitions.columns.cards import Kind
from medalist.competitions.errors import TaskError
from medalist.competitions.folds.plan import SCHEMES
from medalist.competitions.task.task import PROBLEM_TYPES

Label = StrictBool | StrictInt | StrictFloat | StrictStr
_ALLOWED = {
    "problem_type": f"one of {', '.join(PROBLEM_TYPES)}",
    "folds.scheme": f"one of {', '.join(SCHEMES)}",
    "folds.n_splits": "a whole number from 1 to 100",
    "folds.seed": "a whole number from 0",
    "folds.horizon": "a number above 0, or nothing",
    "folds.gap": "a number from 0",
    "folds.column": "the name of a column, or nothing",
    "folds.separator": "the text that ends the key, such as '_', or nothing",
    "columns": f"pairs NAME: KIND, with a kind out of {', '.join(Kind)}",
    "id": "a list of column names",
    "targets": "a list of column names",
    "drop": "a list of column names",
    "classes": "a list of labels",
    "metric": "the name of a metric, or file.py:function",
    "weights": "the name of a column, or nothing",
    "name": "the name of the competition",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FoldsFile(_Strict):
    """`folds:` of task.yaml."""

    scheme: StrictStr = Field(pattern=rf"^(?:{'|'.join(SCHEMES)})$")
    n_splits: StrictInt = Field(5, ge=1, le=100)
    column: StrictStr | None = None
    separator: StrictStr | None = None
    horizon: float | None = Field(None, gt=0, allow_inf_nan=False)
    gap: float = Field(0.0, ge=0, allow_inf_nan=False)
    seed: StrictInt = Field(0, ge=0)
    reason: StrictStr = ""


class TaskFile(_Strict):
    """task.yaml. Whatever is left out is inferred again."""

    name: StrictStr | None = None
    id: list[StrictStr] | None = None
    targets: list[StrictStr] | None = Field(None, min_length=1)
    problem_type: StrictStr | None = Field(None, pattern=rf"^(?:{'|'.join(PROBLEM_TYPES)})$")
    metric: StrictStr | None = None
    classes: list[Label] | None = None
    positive: Label | None = None
    folds: FoldsFile | None = None
    weights: StrictStr | None = None
    drop: list[StrictStr] | None = None
    columns: dict[StrictStr, StrictStr] | None = None


def validate(data: Any, where: str) -> TaskFile:
    """Check what was read from a task file. Raises TaskError: the field, its value and what may be written."""
    if not isinstance(data, dict):
        raise TaskError(f"{where} does not hold a task: it needs lines such as 'metric: auc'; write it again.")
    for name in ("id", "targets", "drop"):
        if isinstance(data.get(name), str):
            data = {**data, name: [data[name]]}
    try:
        return TaskFile.model_validate(data)
    except ValidationError as error:
        raise TaskError(f"{where}: {_sentence(error.errors()[0])}") from None


def _sentence(error: ErrorDetails) -> str:
    kinds = ("str", "bool", "int", "float")  # pydantic adds the alternatives of a label to the path
    path = [str(part) for part in error["loc"] if not str(part).startswith(kinds)]
    field = ".".join(path)
    if error["type"] == "extra_forbidden":
        model = FoldsFile if path[0] == "folds" else TaskFile
        return f"{field} is no field of a task file; the fields are {', '.join(model.model_fields)}."
    if error["type"] == "missing":
        return f"{field} is missing; write {_allowed(path)}."
    return f"{field} is {error['input']!r}, but must be {_allowed(path)}."


def _allowed(path: list[str]) -> str:
    return _ALLOWED.get(".".join(path[:2])) or _ALLOWED.get(path[0]) or "of another kind"
