"""The report on a run."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from medalist.agent.report.loader import RunContents, load_run
from medalist.agent.report.page import page, render
from medalist.agent.report.sections import (
    errors,
    findings,
    kaggle,
    lineage,
    matters,
    next_steps,
    path,
    standing,
    timeline,
)
from medalist.competitions.atomic import replacing
from medalist.leaderboard.boards.standing import WORDS

NAME = "report.html"  # of the file in a run's folder
SECTIONS = (standing, kaggle, path, matters, errors, timeline, findings, lineage, next_steps)


def run_page(contents: RunContents, *, refresh: int | None = None) -> str:
    """The HTML of the report on a run. refresh: see `page`."""
    made: list[tuple[str, str, Markup]] = []
    for module in SECTIONS:
        html = module.section(contents)
        if html is not None:
            made.append((module.__name__.rpartition(".")[2], module.TITLE, html))
    run, task = contents.run, contents.run.task
    lead = render(
        "lead.html",
        contents=contents,
        run=run,
        targets=", ".join(map(str, task.get("targets", ()))),
        problem_type=task.get("problem_type", ""),
        standing=contents.standing,
        words=WORDS["cross-validation"],
        seconds=contents.summary.get("seconds") or max((e.run_seconds for e in contents.experiments), default=0.0),
        running=run.state == "running",
    )
    return page(f"{run.competition} · run {run.id}", lead, made, refresh=refresh)


def write_report(run: str, runs_dir: str, out: Path | None = None) -> Path:
    """Write the report on a run (see `load_run` for its name) to `out`, else to report.html in its folder; returns
    where it is.

    Raises LedgerError where there is no such run, OSError where it cannot be written.
    """
    contents = load_run(run, runs_dir)
    place = out if out is not None else (contents.folder or Path(runs_dir)) / NAME
    with replacing(place, durable=False) as stream:
        stream.write(run_page(contents).encode("utf-8", "backslashreplace"))
    return place
