"""`medalist features`: what the search for features found, as tables or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from medalist.agent.cli.options import AsJson, RunArgument, RunsDir
from medalist.agent.cli.printing import at, number_text, print_json, print_next, print_table, print_text, print_wrapped
from medalist.agent.cli.to_show import ledger_to_show, where_run_is
from medalist.competitions.errors import PipelineError
from medalist.competitions.plural import count_text
from medalist.leaderboard.ledger.verdicts import UNTESTED, latest_verdicts

if TYPE_CHECKING:
    from medalist.leaderboard.ledger.rows import FeatureRow, RunRow, ScreeningRow


def features(
    run_id: RunArgument,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was redundant, and what passed the screening but was not tested.")
    ] = False,
    runs_dir: RunsDir = "runs",
    json: AsJson = False,
) -> None:
    """Show the features that a run found, what each gained, and what it tried and dropped."""
    runs_dir = where_run_is(run_id, runs_dir)
    with ledger_to_show(runs_dir) as ledger:
        run = ledger.run(run_id)
        rows, searches = ledger.features(run.id), ledger.screenings(run.id)
    if json:
        print_json(
            {
                "run": run.id,
                "competition": run.competition,
                "state": run.state,
                "searches": [asdict(s) for s in searches],
                "features": [asdict(r) | {"words": _words(r.text)} for r in rows],
            }
        )
        return
    latest = latest_verdicts(rows)
    print_text(f"{run.id}  {run.competition}  {run.state}")
    if latest or searches:
        print_wrapped(_headline(rows, latest, searches))
    if not any(r.status == "kept" for r in latest):
        print_wrapped(_none_kept(run, latest, searches))
    _section("kept", [r for r in latest if r.status in ("kept", "forced")], "in words")
    _section("taken away", [r for r in latest if r.status == "removed"], "why")
    _section("tried and dropped", [r for r in latest if r.status == "dropped"], "why")
    numbers = [r.experiment for r in latest if r.experiment is not None]
    if len(set(numbers)) < len(numbers):
        print_text("")
        print_wrapped("Features of one experiment were tested together: the gain is that of all of them.")
    if everything:
        _section("redundant", [r for r in latest if r.status == "redundant"], "why")
        _section("passed the screening, not tested", [r for r in latest if r.status == "candidate"], "why")
    elif untested := [r.status for r in latest if r.status in UNTESTED]:
        repeat, wait = untested.count("redundant"), untested.count("candidate")
        print_text("")
        print_wrapped(
            f"Of what passed, {repeat:,} {'repeats' if repeat == 1 else 'repeat'} what others say, and {wait:,} "
            f"{'was' if wait == 1 else 'were'} not tested: --all lists them."
        )
    print_next(
        (f"medalist show {run.id}{at(runs_dir)}", "the experiments that tested them"),
        (f"medalist report {run.id}{at(runs_dir)}", "the same as a page, with pictures"),
    )


def _tested(latest: Sequence[FeatureRow]) -> int:
    """Number of features that an experiment has tested."""
    return sum(r.status in ("kept", "dropped") for r in latest)


def _headline(rows: Sequence[FeatureRow], latest: Sequence[FeatureRow], searches: Sequence[ScreeningRow]) -> str:
    """How many candidates were screened, passed, were tested and kept, in one sentence. What is tested need not have
    passed a screening: some features are tried wherever a column has many values."""
    passed = {r.text for r in rows if r.status in UNTESTED}
    steps = len({s.step for s in searches})
    counts = {status: sum(r.status == status for r in latest) for status in ("kept", "forced", "removed")}
    parts = [
        f"{sum(s.screened for s in searches):,} candidates screened in {count_text(steps, 'step')}",
        f"{len(passed):,} passed",
        f"{_tested(latest):,} tested",
        f"{counts['kept']:,} kept",
    ]
    parts += [f"{counts['forced']:,} forced"] if counts["forced"] else []
    parts += [f"{counts['removed']:,} taken away"] if counts["removed"] else []
    return ", ".join(parts) + "."


def _none_kept(run: RunRow, latest: Sequence[FeatureRow], searches: Sequence[ScreeningRow]) -> str:
    """Why no feature was kept, in one sentence."""
    tested = _tested(latest)
    if tested:
        why = "the only one that was" if tested == 1 else f"none of the {tested:,} that were"
        why = f"{why} tested {'did not improve' if tested == 1 else 'improved'} the score beyond its noise"
    elif any(s.passed for s in searches) or any(r.status in UNTESTED for r in latest):
        why = "none of the candidates was tested"
    elif searches:
        why = "no candidate says more about what the model gets wrong than chance would"
    elif not run.config.get("feature_search", True):
        why = "the search was switched off with --no-feature-search"
    else:
        why = "the run has made no search for features"
    return f"No feature was kept{' so far' if run.state == 'running' else ''}: {why}."


def _section(title: str, rows: Sequence[FeatureRow], last: str) -> None:
    """Print a table of features, if there are any; `last` is its last column: "why" or "in words"."""
    if not rows:
        return
    print_text("")
    lines = [
        (
            r.text,
            _gain(r, r.gain),
            "" if r.standard_error is None else f"± {_gain(r, r.standard_error)}",
            "" if r.gain is None else "loss" if r.unit == "loss" else "of the residual",
            "" if r.experiment is None else f"#{r.experiment}",
            r.reason if last == "why" else _words(r.text) + (" (forced)" if r.status == "forced" else ""),
        )
        for r in rows
    ]
    print_table((title, "gain", "error", "unit", "experiment", last), lines, right=(1, 2, 4))


def _gain(row: FeatureRow, value: float | None) -> str:
    """A gain, or its standard error, in the row's unit: a loss, or percent of the residual's variance."""
    if value is None or row.unit == "loss":
        return number_text(value, 3)
    return f"{100 * value:.2g} %"


def _words(text: str) -> str:
    """A feature in English; the expression where it cannot be parsed."""
    from medalist.pipelines.features.language.parser import parse
    from medalist.pipelines.features.language.words import in_words

    try:
        return in_words(parse(text))
    except PipelineError:  # written by a version of medalist with another language
        return text
