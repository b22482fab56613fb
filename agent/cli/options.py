"""Options that several commands share, and what they mean for reading a competition."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from medalist.competitions.errors import TaskError

MOST_SEED = 10**9

PathArgument = Annotated[
    str, typer.Argument(help="A competition: a folder, a zip, or a Kaggle slug.", show_default=False)
]
RunsDir = Annotated[str, typer.Option(help="Where runs and their ledger are kept.", envvar="MEDALIST_RUNS")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
Text = Optional[str]  # noqa: UP045 - typer reads it at run time
Train = Annotated[Text, typer.Option(help="The training table, where its role is unclear.", show_default=False)]
Test = Annotated[Text, typer.Option(help="The test table.", show_default=False)]
Sample = Annotated[Text, typer.Option(help="The sample submission.", show_default=False)]
Id = Annotated[Text, typer.Option("--id", help="Id columns, separated by commas.", show_default=False)]
Target = Annotated[Text, typer.Option(help="Target columns, separated by commas.", show_default=False)]
MetricName = Annotated[Text, typer.Option(help="rmsle, auc, map@3 …, or file.py:function.", show_default=False)]
ProblemType = Annotated[Text, typer.Option(help="binary, multiclass, ordinal or regression.", show_default=False)]
FoldScheme = Annotated[
    Text,
    typer.Option(
        "--folds",
        help="random, stratified, group, time or blocks, with a column where it needs one: time:date.",
        show_default=False,
    ),
]
Splits = Annotated[
    Optional[int],  # noqa: UP045 - typer reads it at run time
    typer.Option("--n-splits", help="How many folds.", show_default=False),
]
Positive = Annotated[Text, typer.Option(help="The positive class of two.", show_default=False)]


def _seed(told: int) -> int:
    if not 0 <= told <= MOST_SEED:
        raise TaskError(f"--seed is {told}: give a whole number from 0 to {MOST_SEED}.")
    return told


Seed = Annotated[int, typer.Option(help="Of everything that is drawn.", callback=_seed)]
Threads = Annotated[
    Optional[int],  # noqa: UP045 - typer reads it at run time
    typer.Option(help="Cores to use; all unless said.", show_default=False),
]
Description = Annotated[Text, typer.Option(help="The text that tells of the task.", show_default=False)]
Board = Annotated[
    Text, typer.Option("--leaderboard", help="The human leaderboard to compare with.", show_default=False)
]


def task_options(
    id: Text,
    target: Text,
    metric: Text,
    problem_type: Text,
    folds: Text,
    n_splits: int | None,
    positive: Text,
    task: Text = None,
) -> dict[str, object]:
    given = {
        "id": id,
        "target": target,
        "metric": metric,
        "problem-type": problem_type,
        "folds": folds,
        "n-splits": n_splits,
        "positive": positive,
    }
    both = [name for name, value in given.items() if task is not None and value is not None]
    if both:
        raise TaskError(f"Give --task or --{both[0]}, not both: write what is right into {task}.")

    def listed(text: Text) -> list[str] | None:
        return None if text is None else [part.strip() for part in text.split(",")]

    return {
        "id": listed(id),
        "targets": listed(target),
        "metric": metric,
        "problem_type": problem_type,
        "folds": folds,
        "n_splits": n_splits,
        "positive": positive,
    }


def file_options(train: Text, test: Text, sample: Text, description: Text) -> dict[str, Text]:
    return {"train": train, "test": test, "sample": sample, "description": description}
