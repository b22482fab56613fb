"""`medalist submissions`: what was submitted to Kaggle, what it came to, and how good the estimates were."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text, print_wrapped, time_text
from medalist.agent.cli.to_show import elsewhere, ledger_to_show, refuse_missing_folder, why_no_ledger
from medalist.competitions.errors import InputError


def submissions(
    competition: Annotated[
        OptionalText, typer.Argument(metavar="[SLUG]", help="Only to this competition.", show_default=False)
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh/--no-refresh", help="Whether to ask Kaggle for scores that are missing.")
    ] = True,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """List what was submitted to Kaggle with its scores, and how they compare with what was predicted."""
    from medalist.agent.submitting import alarm, scores, text
    from medalist.competitions.kaggle.download import slug_of

    slug = None if competition is None else slug_of(competition)
    if competition is not None and slug is None:
        raise InputError(f"{competition!r} is no competition of Kaggle: give its short name, as in its address.")
    refuse_missing_folder(runs_dir)
    with ledger_to_show(runs_dir) as ledger:
        rows = ledger.kaggle_submissions(slug)
        found = scores.refresh(ledger, rows, runs_dir) if refresh else scores.Refreshed(rows)
    agreement = alarm.agreement(found.rows)
    if json:
        document = {
            "submissions": [asdict(r) | {"difference": alarm.difference(r)} for r in found.rows],
            "agreement": None if agreement is None else asdict(agreement),
            "refreshed": sorted(found.changed),
            "problems": found.problems,
        }
        print_json(document, indent=None)
        return
    for problem in found.problems:
        print_text(f"{problem} What is known so far is shown.", sys.stderr)
    if not rows:
        what = "" if slug is None else f" for {slug}"
        missing = why_no_ledger(runs_dir)
        begin = missing if missing is not None else f"Nothing was submitted to Kaggle{what} yet"
        print_wrapped(f"{begin}: medalist submit RUN sends what a run made.{elsewhere(runs_dir)}")
        return
    lines = [
        (
            time_text(r.submitted or r.recorded),
            r.competition,
            r.run_id,
            text.predicted_text(r),
            number_text(r.public_score),
            number_text(r.private_score),
            text.place_text(r),
            r.medal or "",
            text.STATES.get(r.state, r.state),
            text.message_text(r),
        )
        for r in found.rows
    ]
    header = ("when", "competition", "run", "predicted", "public", "private", "place", "medal-equivalent", "state")
    print_table((*header, "message"), lines, right=(3, 4, 5, 6))
    for row in found.rows:
        if row.reason:
            print_text(f"{time_text(row.submitted or row.recorded)} {row.competition}: {row.reason}")
    if agrees := alarm.sentences(agreement):
        print_text("\n" + "\n".join(agrees))
