"""`medalist medals`: what runs and graded files are worth among humans, in all competitions, and the any-medal rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalist.agent.cli.options import AsJson, RunsDir
from medalist.agent.cli.printing import number_text, print_json, print_table, print_text, print_wrapped
from medalist.agent.cli.to_show import PATIENCE, elsewhere, ledger_to_show, why_no_ledger
from medalist.competitions.plural import count_text
from medalist.leaderboard.boards.standing import percentage, whole_percent

if TYPE_CHECKING:
    from medalist.agent.comparing.cabinet import Cabinet, Placed
    from medalist.agent.comparing.medal_rate import MedalRate

WIDEST_NAME = 27  # of a competition
HEADINGS = {"holdout": "Measured on a holdout", "cross-validation": "Estimated by cross-validation"}


def medals(
    runs_dir: RunsDir = "runs",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="A further folder of runs, whose ledger counts too; may be repeated.",
            show_default=False,
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """The standings in all competitions, and the share of them with any medal."""
    cabinet = _cabinet(runs_dir, also or [])
    placed, rates = cabinet.placed(), cabinet.rates()
    if json:
        print_json(
            {
                "standings": [p.as_dict() for p in placed],
                "rates": {rate.basis: rate.as_dict() for rate in rates},
                "standings_of_no_run": cabinet.of_no_run(),
            }
        )
        return
    if not placed:
        print_wrapped(_nothing(cabinet, runs_dir))
        return
    for rate in rates:
        of_basis = [p for p in placed if p.basis == rate.basis]
        if of_basis:
            _print_standings(of_basis)
            _print_rate(rate)
    if cabinet.of_no_run():
        print_wrapped(f"Standings of files of no run, which no rate counts: {cabinet.of_no_run()}.")


def _nothing(cabinet: Cabinet, runs_dir: str) -> str:
    """Why there are no standings, and what adds one."""
    if not cabinet.runs:
        missing = why_no_ledger(runs_dir) or f"The ledger in {runs_dir} has no runs yet"
        return f"{missing}: a finished run or medalist grade adds a standing.{elsewhere(runs_dir)}"
    names = sorted({run.competition for run in cabinet.runs.values()})
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return (
        f"{count_text(len(cabinet.runs), 'run')} of {shown}, and no standing: no human leaderboard of theirs is known, "
        "or no run has ended. medalist leaderboard NAME --add FILE adds one, medalist leaderboard lists those that are "
        "known, and medalist grade places a submission on a holdout's answers."
    )


def _cabinet(runs_dir: str, further: list[str]) -> Cabinet:
    from medalist.agent.comparing.cabinet import Cabinet
    from medalist.competitions.errors import LedgerError
    from medalist.competitions.naming import did_you_mean_path
    from medalist.leaderboard.ledger.ledger import Ledger

    cabinet = Cabinet()
    with ledger_to_show(runs_dir) as ledger:
        cabinet.add(ledger)
    for folder in further:
        path = Path(folder) / "ledger.sqlite"
        if not path.is_file():
            raise LedgerError(
                f"There is no ledger in {folder}{did_you_mean_path(folder)}: give a folder of runs with --also."
            )
        with Ledger(path, PATIENCE) as ledger:
            cabinet.add(ledger)
    return cabinet


def _print_standings(placed: list[Placed]) -> None:
    """The best and the last standing of each competition on one basis."""
    from medalist.agent.comparing.comparable import recorded_standing

    reasons = list(dict.fromkeys(p.left_out for p in placed if p.left_out is not None))
    rows = []
    for p in placed:
        now = recorded_standing(p.best)
        mark = "" if p.left_out is None else f" [{reasons.index(p.left_out) + 1}]"
        rows.append(
            (
                _short(p.competition, WIDEST_NAME - len(mark)) + mark,
                p.best.medal or "—",
                "" if p.best.percentile is None else percentage(p.best.percentile),
                "" if now is None else whole_percent(now.percentile_interval),
                number_text(p.best.score),
                "" if p.last.percentile is None else percentage(p.last.percentile),
            )
        )
    who = ", ".join(dict.fromkeys(p.best.who for p in placed if p.best.who is not None))
    heading = HEADINGS[placed[0].basis] + (f": share beaten or tied of {who}" if who else "")
    print_wrapped(heading + ", of the best and of the last score.")
    print_table(("", "medal", "best", "80 % interval", "score", "last"), rows, right=(2, 4, 5))
    for number, reason in enumerate(reasons, 1):
        print_wrapped(f"[{number}] not counted: {reason}")


def _print_rate(rate: MedalRate) -> None:
    """The any-medal rate in sentences, and what it leaves out."""
    from medalist.agent.comparing.medal_rate import SEEDS_OF_MLE_BENCH

    if rate.mean is None:
        print_wrapped("Any medal: no run counts.")
    else:
        seeds = len(rate.by_seed)
        error = "" if rate.standard_error is None else f" ± {100 * rate.standard_error:.1f}"
        earned = ", ".join(f"{count} {medal}" for medal, count in rate.medals.items())
        runs = "run" if rate.runs == 1 else "runs"
        which = "1 seed" if seeds == 1 else f"{seeds} seeds"
        print_wrapped(
            f"Any medal: {100 * rate.mean:.1f}{error} % of competitions, over {which} ({rate.runs} {runs}: {earned})."
        )
        if seeds < SEEDS_OF_MLE_BENCH:
            print_wrapped(
                f"MLE-bench asks for {SEEDS_OF_MLE_BENCH} seeds at least; "
                + ("one alone shows no standard error." if seeds == 1 else "two show the standard error badly.")
            )
        if not rate.balanced:
            print_wrapped("The seeds have different competitions, which the standard error counts as chance.")
    if rate.left_out:
        reasons = "; ".join(f"{count} for {reason}" for reason, count in rate.left_out.items())
        print_wrapped(f"Runs left out: {reasons}.")
    print_text("")


def _short(name: str, widest: int) -> str:
    """A name in so many characters: its end, where it is longer."""
    return name if len(name) <= widest else "…" + name[1 - widest :]
