"""`medalist night add`, `remove` and `list`: the competitions that nights work on."""

from __future__ import annotations

from dataclasses import asdict
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.cli.help import OUTPUT, SEARCH
from medalist.agent.cli.options import (
    NONE_GIVEN,
    Artifacts,
    AsJson,
    AutoSubmit,
    Board,
    Cluster,
    CompetitionOptions,
    KaggleName,
    Memory,
    OptionalText,
    PathArgument,
    RunsDir,
    TaskFile,
    Threads,
    with_competition_options,
)
from medalist.agent.cli.printing import at, print_json, print_next, print_table, print_text

NightsPath = Annotated[
    OptionalText,
    typer.Option(
        "--file",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="The file of competitions; else nights.yaml beside the runs.",
        show_default=False,
    ),
]


@with_competition_options
def add(
    path: PathArgument,
    share: Annotated[
        float, typer.Option(metavar="N", help="Weight in the division of time: 2 is twice the weight of 1.")
    ] = 1.0,
    until: Annotated[
        OptionalText, typer.Option(metavar="DATE", help="The last day to work on it: 2026-12-31.", show_default=False)
    ] = None,
    name: Annotated[
        OptionalText, typer.Option(metavar="NAME", help="What to call it; else as its folder.", show_default=False)
    ] = None,
    auto_submit: AutoSubmit = 0,
    kaggle: KaggleName = None,
    given: CompetitionOptions = NONE_GIVEN,
    task: TaskFile = None,
    leaderboard: Board = None,
    families: Annotated[
        OptionalText,
        typer.Option(
            metavar="NAMES", rich_help_panel=SEARCH, help="Estimator families to use, with commas.", show_default=False
        ),
    ] = None,
    without: Annotated[
        OptionalText,
        typer.Option(
            metavar="NAMES", rich_help_panel=SEARCH, help="Estimator families to leave out.", show_default=False
        ),
    ] = None,
    features: Annotated[
        OptionalText,
        typer.Option(metavar="FILE", rich_help_panel=SEARCH, help="A features.yaml to obey.", show_default=False),
    ] = None,
    threads: Threads = None,
    memory: Memory = None,
    cluster: Cluster = None,
    artifacts: Artifacts = None,
    file: NightsPath = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Add a competition to those that nights work on."""
    from medalist.agent.nights.file import add_entry, nights_file, parse_until

    given.task(task)  # refuses what contradicts itself
    fields = {
        "path": path,
        "name": name,
        "share": None if share == 1.0 else int(share) if share == int(share) else share,
        "until": None if until is None else parse_until(until),
        "auto_submit": auto_submit or None,
        "kaggle": kaggle,
        "task": task,
        **asdict(given),
        "leaderboard": leaderboard,
        "families": families,
        "without": without,
        "features": features,
        "threads": threads,
        "memory": memory,
        "cluster": cluster,
        "artifacts": artifacts,
    }
    place = nights_file(runs_dir, file)
    entry = add_entry(place, fields)
    if json:
        print_json({"file": str(place), "competition": entry.name, "path": entry.path})
        return
    print_text(f"Added {entry.name} ({entry.path}) to {place}.")
    nights = nights_options(file, runs_dir)
    print_next(
        (f"medalist night run --until 07:00{nights}", "work on it tonight"),
        (f"medalist night install{nights}", "work on it every night"),
    )


def remove(
    competition: Annotated[str, typer.Argument(metavar="COMPETITION", help="Its name in the file, or its path.")],
    file: NightsPath = None,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Take a competition out of the file; its runs stay."""
    from medalist.agent.nights.file import nights_file, remove_entry

    place = nights_file(runs_dir, file)
    entry = remove_entry(place, competition)
    if json:
        print_json({"file": str(place), "competition": entry.name, "path": entry.path})
        return
    print_text(f"Removed {entry.name} from {place}; its runs stay where they are.")


def list_(file: NightsPath = None, runs_dir: RunsDir = "runs", json: AsJson = False) -> None:
    """List the competitions that nights work on."""
    from medalist.agent.nights.file import nights_file, read_nights
    from medalist.agent.nights.notify import shown
    from medalist.agent.nights.schema import RUN_OPTIONS

    place = nights_file(runs_dir, file)
    nights = read_nights(place)
    if json:
        print_json({"file": str(place), **nights.model_dump(mode="json", exclude_none=True)})
        return
    if not nights.competitions:
        print_text(f"{place} has no competitions yet: add one with medalist night add PATH.")
        return
    rows = [
        (
            str(entry.name),
            entry.path,
            f"{entry.share:g}",
            "" if entry.until is None else f"{entry.until:%Y-%m-%d %H:%M}",
            ", ".join(f"{o}: {v}" for o in RUN_OPTIONS if (v := getattr(entry, o)) is not None),
        )
        for entry in nights.competitions
    ]
    print_table(("competition", "path", "share", "until", "options"), rows, right=(2,))
    if nights.notify:
        print_text(f"\nNotified: {', '.join(map(shown, nights.notify))}")
    given = nights_options(file, runs_dir)
    print_next(
        (f"medalist night run --budget 8h --dry-run{given}", "how a night would be divided among them"),
        (f"medalist night status{given}", "what ran, and what runs next"),
    )


def nights_options(file: str | None, runs_dir: str) -> str:
    """The options that say which nights these are, as the end of a command; "" where they are the usual ones."""
    return ("" if file is None else f" --file {quote(file)}") + at(runs_dir)
