"""`medalist …`: every command in sight; each imports what it needs when it is called."""

from __future__ import annotations

import errno
import sys
import time
from pathlib import Path
from typing import Annotated, Optional

import typer

from medalist.agent.cli.options import (
    AsJson,
    Board,
    Description,
    FoldScheme,
    Id,
    MetricName,
    PathArgument,
    Positive,
    ProblemType,
    RunsDir,
    Sample,
    Seed,
    Splits,
    Target,
    Test,
    Text,
    Threads,
    Train,
    file_options,
    task_options,
)
from medalist.competitions.errors import BudgetError, MedalistError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="An autonomous agent for tabular machine-learning competitions.",
)


@app.command()
def run(
    path: PathArgument,
    budget: Annotated[Text, typer.Option(help="How long to work: 90s, 10m, 8h.", show_default=False)] = None,
    until: Annotated[Text, typer.Option(help="Work until the clock shows HH:MM.", show_default=False)] = None,
    max_experiments: Annotated[
        int | None,
        typer.Option(help="Stop after so many; repeatable to the byte with equal --threads.", show_default=False),
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    metric: MetricName = None,
    id: Id = None,
    target: Target = None,
    problem_type: ProblemType = None,
    folds: FoldScheme = None,
    n_splits: Splits = None,
    positive: Positive = None,
    train: Train = None,
    test: Test = None,
    sample: Sample = None,
    description: Description = None,
    task: Annotated[Text, typer.Option(help="A task.yaml to obey.", show_default=False)] = None,
    leaderboard: Board = None,
    families: Annotated[Text, typer.Option(help="Estimator families to use, with commas.", show_default=False)] = None,
    without: Annotated[Text, typer.Option(help="Estimator families to leave out.", show_default=False)] = None,
    stacking: Annotated[
        bool, typer.Option("--stacking/--no-stacking", help="Whether models may be fitted on others' predictions.")
    ] = True,
    postprocessing: Annotated[
        bool,
        typer.Option(
            "--postprocessing/--no-postprocessing", help="Whether thresholds, roundings and the like are fitted."
        ),
    ] = True,
    feature_search: Annotated[
        bool, typer.Option("--feature-search/--no-feature-search", help="Whether to search for features.")
    ] = True,
    features: Annotated[
        Text,
        typer.Option(
            help="A features.yaml to obey; else the one beside the task file or in the competition's folder.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Work on a competition until the budget ends, with a valid submission from the beginning."""
    from medalist.agent.budget import parse_duration, process_began, seconds_until
    from medalist.agent.run.display import display_for
    from medalist.agent.run.run import RunConfig, run

    if budget is not None and until is not None:
        raise BudgetError("Give either --budget or --until, not both.")
    seconds = parse_duration(budget) if budget else seconds_until(until) if until else None
    config = RunConfig(
        path=path,
        budget=seconds,
        until=None if until is None or seconds is None else time.time() + seconds,
        max_experiments=max_experiments,
        seed=seed,
        threads=threads,
        runs_dir=runs_dir,
        leaderboard=leaderboard,
        task_file=task,
        families=_names(families),
        without=_names(without),
        stacking=stacking,
        postprocessing=postprocessing,
        feature_search=feature_search,
        features_file=features,
        task_options=task_options(id, target, metric, problem_type, folds, n_splits, positive, task),
        file_options=file_options(train, test, sample, description),
    )
    run(config, display_for(json), began=process_began())


def _names(told: str | None) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in told.split(",")) if told else ()


@app.command()
def resume(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or how it begins.")],
    budget: Annotated[Text, typer.Option(help="How long to go on; else what was left.", show_default=False)] = None,
    max_experiments: Annotated[
        Optional[int], typer.Option(help="Stop after so many in all.", show_default=False)  # noqa: UP045
    ] = None,
    threads: Threads = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Go on with a run that was killed or interrupted, from its last finished experiment."""
    from medalist.agent.budget import parse_duration, process_began
    from medalist.agent.run.display import display_for
    from medalist.agent.run.resume import resumed
    from medalist.agent.run.run import run

    row, config = resumed(run_id, runs_dir, parse_duration(budget) if budget else None, max_experiments, threads)
    run(config, display_for(json), began=process_began(), resume=row)


@app.command()
def demo(
    budget: Annotated[str, typer.Option(help="How long to work.")] = "60s",
    folder: Annotated[str, typer.Option(help="Where the competition is written.")] = "runs/demo",
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Run on the embedded competition and grade the submission on its held-out answers."""
    from medalist.agent.budget import process_began
    from medalist.agent.cli.demo import show_demo
    from medalist.agent.run.display import display_for

    show_demo(Path(folder), budget, runs_dir, display_for(json), began=process_began())


@app.command()
def inspect(
    path: PathArgument,
    metric: MetricName = None,
    id: Id = None,
    target: Target = None,
    problem_type: ProblemType = None,
    folds: FoldScheme = None,
    n_splits: Splits = None,
    positive: Positive = None,
    train: Train = None,
    test: Test = None,
    sample: Sample = None,
    description: Description = None,
    task: Annotated[Text, typer.Option(help="A task.yaml to obey.", show_default=False)] = None,
    seed: Seed = 0,
    write: Annotated[
        Text, typer.Option(help="Write the task to this file, to be corrected.", show_default=False)
    ] = None,
    json: AsJson = False,
) -> None:
    """Say what would be predicted, how it is scored, what the columns mean and what looks wrong."""
    from medalist.agent.cli.inspect import show_inspection

    options = task_options(id, target, metric, problem_type, folds, n_splits, positive, task)
    show_inspection(path, options, file_options(train, test, sample, description), task, seed, write, json)


@app.command()
def grade(
    submission: Annotated[str, typer.Argument(help="A submission.")],
    answers: Annotated[str, typer.Option(help="The holdout's answers.")],
    competition: Annotated[
        Text,
        typer.Option(
            help="The competition (a path), for its task; else the submission's run tells.", show_default=False
        ),
    ] = None,
    metric: MetricName = None,
    leaderboard: Board = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Score a submission on a holdout, say what that is worth among humans, and log it."""
    from medalist.agent.cli.grade import show_grade

    show_grade(Path(submission), Path(answers), competition, metric, leaderboard, runs_dir, json)


@app.command()
def holdout(
    path: PathArgument,
    out: Annotated[str, typer.Option(help="Folder for public/ and private/.")],
    fraction: Annotated[float, typer.Option(help="Share of the training rows to hold out.")] = 0.2,
    seed: Seed = 0,
    metric: MetricName = None,
    id: Id = None,
    target: Target = None,
    problem_type: ProblemType = None,
    folds: FoldScheme = None,
    n_splits: Splits = None,
    positive: Positive = None,
    train: Train = None,
    test: Test = None,
    sample: Sample = None,
    description: Description = None,
) -> None:
    """Cut a competition into a public and a private part, the way its organiser cut it."""
    from medalist.agent.run.reading import read
    from medalist.competitions.holdout import cut_holdout

    options = task_options(id, target, metric, problem_type, folds, n_splits, positive)
    competition, found = read(path, options, file_options(train, test, sample, description), None, seed)
    cut_holdout(competition, found, Path(out), fraction, seed)
    typer.echo(f"Wrote {out}/public and {out}/private: grade with --answers {out}/private/answers.csv")


@app.command()
def runs(
    competition: Annotated[Text, typer.Argument(help="Only of this competition.", show_default=False)] = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """List the runs in the ledger."""
    from medalist.agent.cli.tables import show_runs

    show_runs(runs_dir, competition, json)


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or how it begins.")],
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Show a run: its experiments with verdicts and reasons, its submissions and standings."""
    from medalist.agent.cli.tables import show_run

    show_run(runs_dir, run_id, json)


@app.command()
def features(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or how it begins.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was redundant, and what passed the screening but was not tested.")
    ] = False,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Show the features that a run found, what each gained, and what it tried and dropped."""
    from medalist.agent.cli.features import show_features

    show_features(runs_dir, run_id, everything, json)


@app.command()
def medals(runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """The best standing in each competition."""
    from medalist.agent.cli.tables import show_medals

    show_medals(runs_dir, json)


@app.command()
def leaderboard(
    name: Annotated[Text, typer.Argument(help="A leaderboard; without one all are listed.", show_default=False)] = None,
    add: Annotated[
        Text,
        typer.Option(help="A file to add under that name: Kaggle's download, or a list of scores.", show_default=False),
    ] = None,
    higher: Annotated[
        Optional[bool],  # noqa: UP045
        typer.Option(
            "--higher-is-better/--lower-is-better",
            help="For a list of scores in no order.",
            show_default=False,
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """List the human leaderboards that are known, show one, or add one of your own."""
    from medalist.agent.cli.tables import show_leaderboards

    show_leaderboards(name, add, higher, json)


def _remedy(error: OSError) -> str:
    """What a person may do about an error of the system."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "allow it, or choose another place, such as with --runs-dir"
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR):
        return "check that path"
    return "free what is missing there and try again"


def main() -> None:
    """The entry point: a MedalistError becomes one sentence and exit code 2."""
    try:
        app()
    except MedalistError as error:
        sys.stderr.write(f"medalist: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"medalist: {error.strerror or error}{place}; {_remedy(error)}.\n")
        sys.exit(2)
