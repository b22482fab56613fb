"""The report on a night: how its time was divided, what each competition gained, and where each now stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from medalist.agent.nights.report import night_document
from medalist.agent.nights.report_text import headline
from medalist.agent.nights.roster import prior_of
from medalist.agent.nights.start import report_folder, state_of
from medalist.agent.nights.state import NightRow, SliceRow
from medalist.agent.report.figures import INKS, figure
from medalist.agent.report.loader import load_run
from medalist.agent.report.page import page, render
from medalist.agent.report.run_report import NAME
from medalist.agent.report.sections import path, standing
from medalist.agent.run.display import duration
from medalist.competitions.atomic import replacing
from medalist.competitions.errors import LedgerError
from medalist.competitions.plural import count_text
from medalist.leaderboard.boards.standing import WORDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PICTURED = 12  # competitions that are drawn, those that gained most: a page stays small
LONGEST_NAME = 24  # characters of a competition's name in a figure


def night_page(night: str, runs_dir: str, *, refresh: int | None = None) -> tuple[str, str]:
    """The id of a night and the HTML of the report on it. refresh: see `page`.

    Raises LedgerError where there is no such night.
    """
    state = state_of(runs_dir)
    row = state.night(night)
    document = night_document(state, row, runs_dir, prior_of(runs_dir))
    slices = state.slices(row.id)
    competitions = document["competitions"]
    lead = render("night_lead.html", document=document, headline=headline(document), running=row.state == "running")
    table = render("night_table.html", competitions=competitions)
    sections: list[tuple[str, str, Markup]] = [("competitions", "What was gained", table)]
    if slices:
        divided = render("night_slices.html", figure=_division(row, slices), slices=slices, began=row.began)
        sections.append(("division", "How the time was divided", divided))
    pictured = sorted(range(len(competitions)), key=lambda i: -competitions[i]["gain"])[:MOST_PICTURED]
    for i, c in enumerate(competitions):
        pictures = _pictures(c["runs"], runs_dir) if i in pictured else []
        html = render("night_competition.html", c=c, figures=pictures, words=WORDS["cross-validation"])
        sections.append((f"competition-{i + 1}", c["competition"], html))
    return row.id, page(f"Night {row.id}", lead, sections, refresh=refresh)


def write_night_report(night: str, runs_dir: str, out: Path | None = None) -> Path:
    """Write the report on a night, by its id or `last`, to `out`, else to report.html in its folder; returns where it
    is.

    Raises LedgerError where there is no such night, OSError where it cannot be written.
    """
    name, html = night_page(night, runs_dir)
    if out is None:
        folder = report_folder(runs_dir, name)
        folder.mkdir(parents=True, exist_ok=True)
        out = folder / NAME
    with replacing(out, durable=False) as stream:
        stream.write(html.encode("utf-8", "backslashreplace"))
    return out


def _pictures(runs: Sequence[str], runs_dir: str) -> list[Markup]:
    """The field and the path of the last run of a competition; [] where it is not known."""
    if not runs:
        return []
    try:
        contents = load_run(runs[-1], runs_dir)
    except LedgerError:
        return []
    return [drawn for drawn in (standing.field(contents), path.path_of(contents)) if drawn is not None]


def _division(night: NightRow, slices: Sequence[SliceRow]) -> Markup:
    """Which competition was worked on when."""
    names = list(dict.fromkeys(s.competition for s in slices))
    seconds: Mapping[str, float] = {n: sum(s.seconds or 0.0 for s in slices if s.competition == n) for n in names}
    colours: Mapping[str, Any] = {"failed": INKS["bad"], "killed": INKS["bad"], "running": INKS["warn"]}
    end = max([(s.began + (s.seconds or 0.0)) for s in slices] + [night.ended or 0.0])
    unit, word = (3600.0, "hours") if end - night.began > 7200 else (60.0, "minutes")

    def draw(axes: Axes) -> None:
        for s in slices:
            left, width = (
                (s.began - night.began) / unit,
                max((s.seconds or 0.0) / unit, 0.002 * (end - night.began) / unit),
            )
            colour = colours.get(s.status, INKS["accent"])
            axes.barh(names.index(s.competition), width, left=left, height=0.6, color=colour, edgecolor=INKS["bg"])
        shown = [n if len(n) <= LONGEST_NAME else n[: LONGEST_NAME - 1] + "…" for n in names]
        axes.set_yticks(range(len(names)), shown)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"{word} since the night began")

    most = sorted(names, key=lambda n: -seconds[n])[:5]
    told = "; ".join(f"{n}: {duration(seconds[n])}" for n in most)
    return figure(
        "division",
        "When each competition was worked on",
        f"{count_text(len(slices), 'slice')}, those that failed in red. Most time went to {told}.",
        draw,
        height=1.1 + 0.32 * len(names),
    )
