"""`medalist holdout`: splits a competition into a public part and a private part with the held-out answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalist.agent.cli.options import NONE_GIVEN, CompetitionOptions, PathArgument, Seed, with_competition_options
from medalist.agent.cli.printing import print_text


@with_competition_options
def holdout(
    path: PathArgument,
    out: Annotated[str, typer.Option(help="Folder for public/ and private/.")],
    fraction: Annotated[float, typer.Option(help="Share of the training rows to hold out.")] = 0.2,
    seed: Seed = 0,
    given: CompetitionOptions = NONE_GIVEN,
) -> None:
    """Cut a competition into a public and a private part, the way its organiser cut it."""
    from medalist.agent.run.reading import read
    from medalist.competitions.holdout import cut_holdout

    competition, task = read(path, given.task(), given.files(), None, seed)
    cut_holdout(competition, task, Path(out), fraction, seed)
    print_text(f"Wrote {out}/public and {out}/private: grade with --answers {out}/private/answers.csv")
