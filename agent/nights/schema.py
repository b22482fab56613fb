"""The schema of nights.yaml, as pydantic models, and one clear sentence for each mistake in a file."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from medalist.agent.workers.allowance import parse_memory
from medalist.competitions.errors import BudgetError, InputError


def _text_of_names(value: Any) -> Any:
    """A list of names or numbers as the text with commas that the command line takes; anything else as it is."""
    if isinstance(value, list) and all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in value):
        return ",".join(map(str, value))
    return value


def _text(value: Any) -> Any:
    """A number as text, since `positive: 1` means the label; anything else as it is."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _instant(value: Any) -> Any:
    """A date as the instant at which it ends, in local time; a time of day with its date as it is."""
    if isinstance(value, str):
        try:
            value = dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value + dt.timedelta(days=1), dt.time())
    return value


def _whole(value: dt.datetime) -> dt.datetime:
    """Local time without a zone: YAML gives UTC where a zone is written."""
    return value.astimezone().replace(tzinfo=None) if value.tzinfo is not None else value


def _size(value: Any) -> Any:
    """The text of a size of memory as it is; ValueError where it is none."""
    try:
        parse_memory(value)
    except BudgetError as error:
        raise ValueError(str(error)) from None
    return value


_FILE, _NAMES = "the path of a file", "a list of names, or names with commas between them"
Path_ = Annotated[StrictStr, Field(min_length=1)]
Names = Annotated[StrictStr, BeforeValidator(_text_of_names)]
Label = Annotated[StrictStr, BeforeValidator(_text)]
Memory = Annotated[StrictStr, AfterValidator(_size)]
Instant = Annotated[dt.datetime, BeforeValidator(_instant)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """One competition of nights.yaml; fields from `task` on are options of `medalist run`, None where left out.

    share: weight in the division of time. until: the local instant after which it is not worked on. auto_submit: how
    many files may be submitted to Kaggle a day; None where it is not said. kaggle: its name there, for a folder.
    """

    path: Path_ = Field(description="a folder, a zip, or a Kaggle slug")
    name: Path_ | None = Field(None, description="a name that no other competition of the file has")
    share: float = Field(1.0, gt=0, le=1000, allow_inf_nan=False, description="a number above 0, such as 2")
    until: Instant | None = Field(None, description="a date such as 2026-12-31, or with a time: 2026-12-31 18:00")
    auto_submit: StrictInt | None = Field(None, ge=0, le=100, description="a whole number from 0 to 100")
    kaggle: StrictStr | None = Field(None, description="Kaggle's name of the competition, such as titanic")
    task: Path_ | None = Field(None, description=_FILE)
    metric: StrictStr | None = Field(None, description="the name of a metric, or file.py:function")
    id: Names | None = Field(None, description=_NAMES)
    target: Names | None = Field(None, description=_NAMES)
    problem_type: StrictStr | None = Field(None, description="binary, multiclass, ordinal or regression")
    folds: StrictStr | None = Field(None, description="a scheme such as group:customer")
    n_splits: StrictInt | None = Field(None, ge=2, le=100, description="a whole number from 2 to 100")
    positive: Label | None = Field(None, description="a label")
    levels: Names | None = Field(None, description="a list of numbers between 0 and 1")
    transform: StrictStr | None = Field(None, description="a transformation such as log1p, or none")
    train: Names | None = Field(None, description=_FILE)
    test: Names | None = Field(None, description=_FILE)
    sample: StrictStr | None = Field(None, description=_FILE)
    description: StrictStr | None = Field(None, description=_FILE)
    leaderboard: StrictStr | None = Field(None, description="the name of a leaderboard, or the path of one")
    families: Names | None = Field(None, description=_NAMES)
    without: Names | None = Field(None, description=_NAMES)
    features: Path_ | None = Field(None, description="the path of a features.yaml")
    stacking: StrictBool | None = Field(None, description="true or false")
    postprocessing: StrictBool | None = Field(None, description="true or false")
    feature_search: StrictBool | None = Field(None, description="true or false")
    seed: StrictInt | None = Field(None, ge=0, description="a whole number from 0")
    threads: StrictInt | None = Field(None, ge=1, description="a whole number from 1")
    memory: Memory | None = Field(None, description="a size such as 8G, or a share of the machine's such as 50%")
    cluster: Path_ | None = Field(None, description="the address of a Dask scheduler such as tcp://host:8786")
    artifacts: Path_ | None = Field(None, description="a location in object storage such as s3://bucket/folder")

    @property
    def ends(self) -> float | None:
        """`until` in seconds since the epoch."""
        return None if self.until is None else _whole(self.until).timestamp()


#: Fields of an entry that are options of `medalist run`, in the order of the fields.
RUN_OPTIONS = tuple(list(Entry.model_fields)[list(Entry.model_fields).index("task") :])

Command = Annotated[list[Path_], BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]


class NightsFile(_Strict):
    """The contents of nights.yaml."""

    competitions: tuple[Entry, ...] = Field((), description="a list of competitions, each with its path")
    notify: Command = Field([], description="a list of commands and URLs")


def validate(data: Any, where: str) -> NightsFile:
    """The parsed contents of a file, `where` being its path for messages; an empty file has no competitions.

    Raises InputError with one sentence for each mistake: the field, its value and what may be written.
    """
    if data is None:
        return NightsFile.model_validate({})
    if not isinstance(data, dict):
        raise InputError(f"{where} needs a line 'competitions:' with a list below it, as medalist night add writes it.")
    data = {key: value for key, value in data.items() if value is not None}
    try:
        read = NightsFile.model_validate(data)
    except ValidationError as error:
        sentences = dict.fromkeys(_sentence(e, data) for e in error.errors())
        raise InputError(f"{where}: {' '.join(sentences)}") from None
    named = [entry.name for entry in read.competitions if entry.name]
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise InputError(f"{where}: Two competitions are called {twice[0]}: give each a name of its own.")
    return read


def _sentence(error: ErrorDetails, data: dict[str, Any]) -> str:
    """One mistake as a sentence: the competition, the field, its value and what may be written."""
    path = list(error["loc"])
    fields, of = NightsFile.model_fields, ""
    if path[0] == "competitions" and len(path) > 1:
        listed = data["competitions"]
        entry = listed[path[1]] if isinstance(listed, list) and isinstance(path[1], int) else None
        named = entry.get("name") or entry.get("path") if isinstance(entry, dict) else None
        of = f"competition {int(path[1]) + 1}" + (f" ({named})" if named else "")
        fields, path = Entry.model_fields, path[2:]
        if not path:
            return f"{of} is {error['input']!r}, but must have fields such as 'path: titanic'."
    field = str(path[0])
    subject = f"{field} of {of}" if of else field
    if error["type"] == "extra_forbidden":
        return f"{subject} is no field of this file; the fields are {', '.join(fields)}."
    if error["type"] == "missing":
        return f"{subject} is missing; write {fields[field].description}."
    return f"{subject} is {error['input']!r}, but must be {fields[field].description}."
