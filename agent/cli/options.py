"""Command-line options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

from medalist.agent.cli.completing import board_words, run_words
from medalist.agent.cli.help import KAGGLE, MACHINE, OUTPUT, SEARCH, TASK
from medalist.competitions.errors import TaskError

MOST_SEED = 10**9  # largest seed of --seed: estimators and samplers take no larger ones


def _seed(given: int) -> int:
    """The seed; TaskError where it is negative or above MOST_SEED."""
    if not 0 <= given <= MOST_SEED:
        raise TaskError(f"--seed is {given}: give a whole number from 0 to {MOST_SEED}.")
    return given


PathArgument = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="A competition: a folder, a zip, a table, or a Kaggle slug.", show_default=False
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run's id or how it begins, a competition for its newest run, or last.",
        autocompletion=run_words,
    ),
]
SubmissionArgument = Annotated[
    str,
    typer.Argument(
        metavar="SUBMISSION|RUN",
        help="A submission file; or a run as for show, with :N for its submission of number N.",
        autocompletion=run_words,
    ),
]
RunsDir = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", help="Where runs and their ledger are kept.", envvar="MEDALIST_RUNS", rich_help_panel=OUTPUT
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.", rich_help_panel=OUTPUT)]
OptionalText = str | None
MetricName = Annotated[
    OptionalText,
    typer.Option(
        metavar="NAME", rich_help_panel=TASK, help="rmsle, auc, map@3 …, or file.py:function.", show_default=False
    ),
]
TaskFile = Annotated[
    OptionalText, typer.Option(metavar="FILE", rich_help_panel=TASK, help="A task.yaml to obey.", show_default=False)
]
Seed = Annotated[
    int, typer.Option(metavar="N", rich_help_panel=SEARCH, help="Of everything that is drawn.", callback=_seed)
]
Threads = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=MACHINE, help="Cores to use; all unless said.", show_default=False),
]
Memory = Annotated[
    OptionalText,
    typer.Option(
        metavar="SIZE",
        rich_help_panel=MACHINE,
        help="Most memory of the whole run: 8G, or 50% of the machine's.",
        show_default=False,
    ),
]
Cluster = Annotated[
    OptionalText,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        rich_help_panel=MACHINE,
        help="Run on the workers of this Dask scheduler: tcp://host:8786.",
        show_default=False,
    ),
]
Artifacts = Annotated[
    OptionalText,
    typer.Option(
        "--artifacts",
        metavar="URL",
        rich_help_panel=MACHINE,
        help="Bring data to the cluster through object storage: s3://bucket/folder.",
        show_default=False,
    ),
]
Report = Annotated[
    bool,
    typer.Option(
        "--report/--no-report",
        rich_help_panel=OUTPUT,
        show_default=False,
        help="Whether report.html is written at the end.",
        envvar="MEDALIST_REPORT",
    ),
]
AutoSubmit = Annotated[
    int,
    typer.Option(
        "--auto-submit",
        show_default=False,
        metavar="N",
        rich_help_panel=KAGGLE,
        help="Submit up to so many files a day to Kaggle at the end; none unless said.",
        min=0,
        max=100,
    ),
]
KaggleName = Annotated[
    OptionalText,
    typer.Option(
        "--kaggle",
        metavar="SLUG",
        rich_help_panel=KAGGLE,
        help="Kaggle's name of it, to submit to, where PATH is a folder.",
        show_default=False,
    ),
]
Board = Annotated[
    OptionalText,
    typer.Option(
        "--leaderboard",
        metavar="NAME",
        rich_help_panel=OUTPUT,
        help="The human leaderboard to compare with.",
        autocompletion=board_words,
        show_default=False,
    ),
]


@dataclass(frozen=True)
class CompetitionOptions:
    """Options that correct what is inferred about a competition: its task, and which file plays which role."""

    metric: MetricName = None
    id: Annotated[
        OptionalText,
        typer.Option(
            "--id", metavar="COLUMNS", rich_help_panel=TASK, help="Id columns, separated by commas.", show_default=False
        ),
    ] = None
    target: Annotated[
        OptionalText,
        typer.Option(
            metavar="COLUMNS", rich_help_panel=TASK, help="Target columns, separated by commas.", show_default=False
        ),
    ] = None
    problem_type: Annotated[
        OptionalText,
        typer.Option(
            metavar="TYPE", rich_help_panel=TASK, help="binary, multiclass, ordinal or regression.", show_default=False
        ),
    ] = None
    folds: Annotated[
        OptionalText,
        typer.Option(
            "--folds",
            metavar="SCHEME",
            rich_help_panel=TASK,
            help="random, stratified, group, time or blocks, with a column where it needs one: time:date.",
            show_default=False,
        ),
    ] = None
    n_splits: Annotated[
        int | None,
        typer.Option("--n-splits", metavar="N", rich_help_panel=TASK, help="How many folds.", show_default=False),
    ] = None
    positive: Annotated[
        OptionalText,
        typer.Option(metavar="CLASS", rich_help_panel=TASK, help="The positive class of two.", show_default=False),
    ] = None
    levels: Annotated[
        OptionalText,
        typer.Option(
            metavar="NUMBERS",
            rich_help_panel=TASK,
            help="Quantile levels of the sample's columns, separated by commas.",
            show_default=False,
        ),
    ] = None
    transform: Annotated[
        OptionalText,
        typer.Option(
            metavar="NAME",
            rich_help_panel=TASK,
            help="What is submitted of the target: log1p, 'per area' …, or none.",
            show_default=False,
        ),
    ] = None
    train: Annotated[
        OptionalText,
        typer.Option(
            metavar="FILE",
            rich_help_panel=TASK,
            help="The training table, where its role is unclear.",
            show_default=False,
        ),
    ] = None
    test: Annotated[
        OptionalText, typer.Option(metavar="FILE", rich_help_panel=TASK, help="The test table.", show_default=False)
    ] = None
    sample: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", rich_help_panel=TASK, help="The sample submission.", show_default=False),
    ] = None
    description: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", rich_help_panel=TASK, help="The text that tells of the task.", show_default=False),
    ] = None

    def task(self, task_file: str | None = None) -> dict[str, object]:
        """The options as keyword arguments of `infer_task`.

        TaskError where one is given beside a task file; the metric alone may be, since a standing may need it said.
        """
        given = {
            "id": self.id,
            "target": self.target,
            "problem-type": self.problem_type,
            "folds": self.folds,
            "n-splits": self.n_splits,
            "positive": self.positive,
            "levels": self.levels,
            "transform": self.transform,
        }
        both = [name for name, value in given.items() if task_file is not None and value is not None]
        if both:
            raise TaskError(f"Give --task or --{both[0]}, not both: write what is right into {task_file}.")
        return {
            "id": names(self.id),
            "targets": names(self.target),
            "metric": self.metric,
            "problem_type": self.problem_type,
            "folds": self.folds,
            "n_splits": self.n_splits,
            "positive": self.positive,
            "levels": levels(self.levels),
            "transform": self.transform,
        }

    def files(self) -> dict[str, str | None]:
        """The options as keyword arguments of `read_competition`: which file has which role."""
        return {"train": self.train, "test": self.test, "sample": self.sample, "description": self.description}


NONE_GIVEN = CompetitionOptions()


def levels(text: str | None) -> list[float] | None:
    """The quantile levels in a comma-separated text; None for None. TaskError where they do not ascend from 0 to 1."""
    if text is None:
        return None
    try:
        found = [float(number) for number in text.split(",")]
    except ValueError:
        found = []
    ascend = all(a < b for a, b in zip([0.0, *found], [*found, 1.0], strict=True))
    if not found or not ascend:
        raise TaskError(f"--levels: {text!r} are no quantile levels; write ascending numbers such as 0.05,0.5,0.95.")
    return found


def memory_limit(text: str | None) -> int | None:
    """The bytes of --memory; None for None. BudgetError where the text is no size, or one that is too small."""
    if text is None:
        return None
    from medalist.agent.workers.allowance import parse_memory

    return parse_memory(text)


def names(text: str | None) -> list[str] | None:
    """The names in a comma-separated text; None for None."""
    return None if text is None else [name.strip() for name in text.split(",")]


def with_competition_options(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command: its parameter `given: CompetitionOptions` is replaced by one option for each field."""
    hints = get_type_hints(CompetitionOptions, include_extras=True)
    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(CompetitionOptions)
    ]
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        inserted = options if parameter.name == "given" else [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
        parameters.extend(inserted)

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        given = CompetitionOptions(**{f.name: arguments.pop(f.name) for f in fields(CompetitionOptions)})
        command(given=given, **arguments)

    del wrapper.__wrapped__  # typer would read its signature instead
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapper
