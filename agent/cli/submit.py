"""`medalist submit`: sends a run's best submission to Kaggle, when a person says so."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunArgument, RunsDir
from medalist.agent.cli.printing import at, print_json, print_next, print_text
from medalist.agent.cli.to_show import ledger_to_show, where_run_is

WAIT_SECONDS = 900.0  # for a score; Kaggle takes seconds for most, and hours for few

SlugOption = Annotated[
    OptionalText,
    typer.Option(
        "--competition",
        metavar="SLUG",
        help="Kaggle's name of it, where the run's data were a folder.",
        show_default=False,
    ),
]


def submit(
    run: RunArgument = "last",
    message: Annotated[
        OptionalText,
        typer.Option("--message", "-m", metavar="TEXT", help="What Kaggle keeps with it.", show_default=False),
    ] = None,
    competition: SlugOption = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait for the score.")] = True,
    late: Annotated[bool, typer.Option("--late", help="Also after the competition's end.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also a file that Kaggle has already.")] = False,
    choose: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Submit up to so many today: the best, and those most different from what Kaggle has.",
            min=0,
        ),
    ] = 0,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Submit a run's best submission to Kaggle, and log its score beside what was predicted."""
    from medalist.agent.submitting.candidate import best_of, slug_of_run
    from medalist.agent.submitting.sending import Desk
    from medalist.agent.submitting.text import submission_text

    def note(text: str) -> None:
        print_text(text, sys.stderr)

    runs_dir = where_run_is(run, runs_dir)
    with ledger_to_show(runs_dir) as ledger:
        row = ledger.run(run)
        earlier = next((s.competition for s in reversed(ledger.kaggle_submissions()) if s.run_id == row.id), None)
        slug = slug_of_run(row, competition, earlier)
        candidate = best_of(row, runs_dir, ledger)
        desk = Desk(slug, ledger, runs_dir, note, late=late, again=again)
        if choose:
            from medalist.agent.submitting.several import submit_several

            sent = submit_several(desk, candidate, choose, message, WAIT_SECONDS if wait else 0.0)
        else:
            made = desk.submit(candidate, message)
            if wait and not json:
                note(f"Submitted to {slug}: waiting for the score (Ctrl-C: medalist submissions fetches it later) …")
            sent = [desk.await_score(candidate, made, WAIT_SECONDS if wait else 0.0, lambda: None)]
    if json:
        print_json({"submissions": [asdict(s) for s in sent]}, indent=None)
        return
    for one in sent:
        print_text(submission_text(one))
    print_next((f"medalist submissions{at(runs_dir)}", "scores, and how good the estimates were"))
