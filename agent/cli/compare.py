"""`medalist compare`: runs, submission files and baselines on the same rows, and each among humans."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from medalist.agent.cli.help import MACHINE
from medalist.agent.cli.options import AsJson, Board, MetricName, OptionalText, RunsDir, Seed
from medalist.agent.cli.printing import at, number_text, print_json, print_next, print_table, print_text, print_wrapped
from medalist.agent.cli.to_show import where_run_is

if TYPE_CHECKING:
    from medalist.agent.comparing.result import Comparison, Entry, Pair

WIDEST_NAME = 24  # of an entrant: the length of a run's id
VERDICTS = {"better": "better", "worse": "worse", "open": "unclear"}
METHODS = {
    "row losses": "from the rows' losses, paired",
    "bootstrap": "by a paired bootstrap, seed {seed}",
    "blocks": "by paired disjoint random blocks, seed {seed}",
}


def compare(
    entrants: Annotated[
        list[str],
        typer.Argument(
            metavar="A B …",
            help="Runs as for show, submission files, or baseline:constant, baseline:linear, baseline:lightgbm; one "
            "alone is compared with these three.",
            show_default=False,
        ),
    ],
    data: Annotated[
        OptionalText,
        typer.Option(metavar="PATH", help="The competition (a path); else that of the first run.", show_default=False),
    ] = None,
    answers: Annotated[
        OptionalText,
        typer.Option(
            metavar="FILE",
            help="A holdout's answers; else private/answers.csv beside the competition.",
            show_default=False,
        ),
    ] = None,
    out_of_fold: Annotated[
        bool, typer.Option("--out-of-fold", help="Compare out of fold, though there are answers.")
    ] = False,
    metric: MetricName = None,
    leaderboard: Board = None,
    seed: Seed = 0,
    threads: Annotated[
        int, typer.Option(metavar="N", rich_help_panel=MACHINE, help="Cores that a baseline is fitted on.", min=1)
    ] = 1,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Compare runs, submissions and baselines on the same rows: paired differences, and each one's place."""
    from medalist.agent.comparing.comparison import compare as compared

    found = compared(
        entrants,
        lambda text: where_run_is(text, runs_dir),
        data=data,
        answers=None if answers is None else Path(answers),
        metric=metric,
        leaderboard=leaderboard,
        ignore_answers=out_of_fold,
        seed=seed,
        threads=threads,
        tell=lambda sentence: print_text(sentence, sys.stderr),
    )
    if json:
        print_json(found.as_dict())
        return
    _print(found)
    steps = _next(found, runs_dir)
    if steps:
        print_next(*steps)


def _print(found: Comparison) -> None:
    """The comparison as text of 80 columns."""
    better = "higher" if found.greater_is_better else "lower"
    print_text(f"{found.competition}: {found.title}, {better} is better")
    print_wrapped(_rows(found))
    print_text("")
    entries = [
        (
            _short(e.name),
            number_text(e.score.value) or "—",
            "" if e.score.standard_error is None else f"± {e.score.standard_error:.2g}",
            *_place(e),
        )
        for e in found.entries
    ]
    print_table(("", "score", "", "beats", "80 % interval", "medal"), entries, right=(1, 3))
    for standing in _standings(found):
        print_wrapped(standing)
    first = found.entries[0].name
    against = [p for p in found.pairs if p.first == first]
    print_text("")
    print_wrapped(f"{_short(first)} against … (positive: it is better; agreement: {found.agreement_of})")
    rows = [(_short(p.second), *_difference(p), "" if p.agreement is None else f"{p.agreement:.3f}") for p in against]
    print_table(("", "difference", "95 % interval", "it is", "agreement"), rows, right=(1, 4))
    notes = [*found.notes, *(f"{_short(e.name)}: {_reason(e)}" for e in found.entries if _reason(e))]
    for note in dict.fromkeys(notes):
        print_text("")
        print_wrapped(note)


def _next(found: Comparison, runs_dir: str) -> list[tuple[str, str]]:
    """Commands on the runs that were compared; [] where there was none."""
    names = [e.name for e in found.entries if e.kind == "run"]
    if not names:
        return []
    steps = [
        (f"medalist why {quote(names[0])}{at(runs_dir)}", "what its submission is made of"),
        (f"medalist resume {quote(names[0])} --budget 1h{at(runs_dir)}", "go on with it"),
    ]
    if found.basis != "holdout":
        cut = "medalist holdout PATH --out FOLDER"
        steps.append((cut, "cut off answers that nothing is chosen by, for a run to be compared on"))
    return steps


def _rows(found: Comparison) -> str:
    """The rows that are compared, and how errors were found, in a sentence."""
    where = "test rows with answers" if found.basis == "holdout" else "training rows, out of fold"
    units = "" if found.units == found.rows else f" in {found.units:,} groups"
    how = METHODS[found.method].format(seed=found.seed)
    return f"On the same {found.rows:,} {where}{units}; intervals {how}."


def _place(entry: Entry) -> tuple[str, str, str]:
    """The share of teams beaten, its interval, and the medal-equivalent."""
    from medalist.leaderboard.boards.standing import Standing, percentage, whole_percent

    if not isinstance(entry.standing, Standing):
        return "", "", ""
    found = entry.standing
    return percentage(found.percentile), whole_percent(found.percentile_interval), found.medal or "—"


def _standings(found: Comparison) -> list[str]:
    """Sentences on the leaderboard: which it is and what is wrong with it, or why there is none."""
    from medalist.leaderboard.boards.comparing import NoStanding
    from medalist.leaderboard.boards.standing import Standing

    scored = [e.standing for e in found.entries if e.score.value is not None]
    placed = [s for s in scored if isinstance(s, Standing)]
    if not placed:
        return list(dict.fromkeys(s.reason for s in scored if isinstance(s, NoStanding)))[:1]
    how = "on a holdout" if found.basis == "holdout" else "estimated by cross-validation"
    one = placed[0]
    return [f"Of {one.teams:,} {one.who} on {one.board}; medal-equivalents, {how}. {one.caution or ''}".rstrip()]


def _difference(pair: Pair) -> tuple[str, str, str]:
    found = pair.difference
    if found is None:
        return "—", "", ""
    interval = "" if found.interval is None else f"{found.interval[0]:+.3g} to {found.interval[1]:+.3g}"
    return f"{found.value:+.4g}", interval, VERDICTS[found.verdict]


def _reason(entry: Entry) -> str:
    return entry.note or (entry.score.reason if entry.score.value is None else "")


def _short(name: str) -> str:
    """A name that fits its column: its end, where it is longer."""
    return name if len(name) <= WIDEST_NAME else "…" + name[1 - WIDEST_NAME :]
