"""`medalist runs`: the runs in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from medalist.agent.cli.completing import competition_words
from medalist.agent.cli.options import AsJson, OptionalText, RunsDir
from medalist.agent.cli.printing import (
    at,
    number_text,
    print_json,
    print_next,
    print_table,
    print_text,
    print_wrapped,
)
from medalist.agent.cli.to_show import elsewhere, ledger_to_show, runs_elsewhere, why_no_ledger
from medalist.competitions.naming import did_you_mean
from medalist.leaderboard.boards.comparing import board_metric, same_metric
from medalist.leaderboard.boards.standing import percentage
from medalist.leaderboard.ledger.ledger import Ledger
from medalist.leaderboard.ledger.rows import RunRow


def runs(
    competition: Annotated[
        OptionalText,
        typer.Argument(
            metavar="[COMPETITION]",
            help="Only of this competition.",
            autocompletion=competition_words,
            show_default=False,
        ),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Of all folders in which you have made runs.")
    ] = False,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """List the runs in the ledger, and say where it is."""
    ledgers = []
    for folder in runs_elsewhere(runs_dir) if everywhere else [runs_dir]:
        with ledger_to_show(folder) as ledger:
            rows = ledger.runs(competition)
            ledgers.append({"ledger": str(ledger), "runs_dir": folder, "runs": rows})
            if not json and not (everywhere and not rows):
                _print(ledger, rows, competition, folder)
    if json:
        print_json({"ledgers": [_document(one) for one in ledgers]})
    elif everywhere and not any(one["runs"] for one in ledgers):
        print_wrapped(_nothing(runs_dir, competition))


def _document(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "runs": [asdict(row) | {"state": row.state} for row in one["runs"]]}


def _print(ledger: Ledger, rows: Sequence[RunRow], competition: str | None, runs_dir: str) -> None:
    """The runs of one ledger as a table, or why there is none."""
    if not rows:
        names = {row.competition for row in ledger.runs()} if competition is not None else set()
        if names:
            print_wrapped(f"The ledger {ledger} has no run of {competition}{did_you_mean(str(competition), names)}.")
        else:
            print_wrapped(_nothing(runs_dir, competition, str(ledger)))
        return
    print_text(f"{ledger}:")
    lines: list[tuple[str, ...]] = []
    for row in rows:
        standing = _standing_of(row.summary)
        lines.append(
            (
                row.id,
                row.competition,
                row.state,
                str(row.n_experiments),
                number_text(row.summary.get("score"), 5),
                percentage(standing["percentile"]) if standing else "",
                standing.get("medal") or "",
            )
        )
    header: tuple[str, ...] = ("run", "competition", "state", "tried", "score", "beats", "medal")
    if not any(line[-2] for line in lines):
        header, lines = header[:-2], [line[:-2] for line in lines]
    print_table(header, lines, right=(3, 4, 5))
    if len(header) == 7:
        print_text("")
        print_wrapped("beats, medal: estimates; the share of teams beaten or tied, and the medal it would be worth.")
    newest = rows[0]
    word = "last" if competition is None else newest.competition
    steps = [(f"medalist show {word}{at(runs_dir)}", "what the newest run tried, and why")]
    if newest.state in ("interrupted", "failed"):
        steps.append((f"medalist resume {newest.id}{at(runs_dir)}", "go on with it"))
    print_next(*steps)


def _nothing(runs_dir: str, competition: str | None, ledger: str | None = None) -> str:
    """Why there are no runs to list, and what to do."""
    missing = why_no_ledger(runs_dir)
    of = "" if competition is None else f" of {competition}"
    begin = missing if missing is not None else f"No runs{of} in the ledger {ledger or runs_dir} yet"
    return f"{begin}: medalist run PATH --budget 10m starts one.{elsewhere(runs_dir)}"


def _standing_of(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The standing in a run's summary; {} where there is none, or the leaderboard turned out to have another metric."""
    standing: Mapping[str, Any] = summary.get("standing") or {}
    metric = board_metric(standing.get("board") or "")
    return standing if not metric or same_metric(summary.get("metric") or "", metric) else {}
