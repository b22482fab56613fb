"""`medalist holdout`: splits a competition into a public part and a private part with the held-out answers."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from medalist.agent.cli.options import (
    NONE_GIVEN,
    AsJson,
    CompetitionOptions,
    PathArgument,
    Seed,
    with_competition_options,
)
from medalist.agent.cli.printing import print_json, print_next, print_text


@with_competition_options
def holdout(
    path: PathArgument,
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Folder for public/ and private/.")],
    fraction: Annotated[float, typer.Option(metavar="SHARE", help="Share of the training rows to hold out.")] = 0.2,
    seed: Seed = 0,
    given: CompetitionOptions = NONE_GIVEN,
    json: AsJson = False,
) -> None:
    """Cut a competition into a public and a private part, the way its organiser cut it."""
    from medalist.agent.run.reading import read
    from medalist.competitions.holdout import cut_holdout

    competition, task = read(path, given.task(), given.files(), None, seed)
    cut_holdout(competition, task, Path(out), fraction, seed)
    if json:
        places = {"public": f"{out}/public", "private": f"{out}/private", "answers": f"{out}/private/answers.csv"}
        print_json(places)
        return
    print_text(f"Wrote {out}/public and {out}/private.")
    print_next(
        (f"medalist run {quote(out)}/public --budget 10m", "work on the public part"),
        (f"medalist grade SUBMISSION --answers {quote(out)}/private/answers.csv", "score what came of it"),
    )
