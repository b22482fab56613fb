"""The live table of a night on a terminal: all competitions, what is worked on, what is next and how much is left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from medalist.agent.nights.progress import HELD, NEXT, WAITING, WORKING, NightProgress, clock
from medalist.agent.nights.tonight import Tonight
from medalist.agent.run.display import duration
from medalist.agent.run.printable import printable_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

LONGEST_NAME = 24  # characters of a competition's name
STYLES = {WORKING: "green", NEXT: "cyan", WAITING: "", HELD: "dim"}
MARKS = {WORKING: ">", NEXT: "+"}
EXPLAINED = "gain tonight in standard errors; chance that another hour beats the noise"


def happened(competition: str | None, text: str) -> RenderableType:
    """Something that happened, with the time of day; lines that are too long go on below the text."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(time.strftime("%H:%M"), text if competition is None else f"{competition}: {text}")
    return grid


def night_panel(progress: NightProgress, last: Mapping[str, str]) -> RenderableType:
    """The night as a panel as wide as the terminal, one line for each competition.

    last: what each one's run said last.
    """
    from rich.console import Group
    from rich.panel import Panel
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", no_wrap=True, width=1)
    table.add_column("competition", no_wrap=True, max_width=LONGEST_NAME, overflow="ellipsis")
    for name in ("tonight", "in all", "gain", "chance"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("", no_wrap=True, ratio=1, overflow="ellipsis")
    for t in progress.tonight:
        cells, style = _cells(progress, t, last.get(t.name, ""))
        table.add_row(*(printable_line(cell) for cell in cells), style=style)
    bar = Table.grid(padding=(0, 1))
    bar.add_column(no_wrap=True)
    bar.add_column(no_wrap=True)
    window = max(progress.window, 1e-9)
    bar.add_row(
        ProgressBar(
            total=window,
            completed=min(window, max(0.0, window - progress.left)),
            width=20,
            complete_style="green",
            finished_style="green",
        ),
        f"{duration(progress.left)} left of {duration(progress.window)}",
    )
    explained = Text(EXPLAINED, style="dim", no_wrap=True, overflow="ellipsis")
    return Panel(Group(bar, table, explained), title=f"night {progress.night}", title_align="left")


def _cells(progress: NightProgress, t: Tonight, last: str) -> tuple[tuple[str, ...], str]:
    """The cells of a competition's line, and its style."""
    kind, words = progress.state(t)
    tonight, in_all = progress.seconds(t)
    gain = f"{t.gained:.2f}" if t.history.seconds or t.gained else ""
    chance = _percent(t.belief(progress.prior).chance()) if t.history.seconds else ""
    says = ": ".join(part for part in (words, last if kind != HELD else "") if part)
    style = "yellow" if kind == HELD and t.failures else STYLES[kind]
    cells = (MARKS.get(kind, ""), t.name, clock(tonight), clock(in_all), gain, chance, says)
    return cells, style


def _percent(chance: float) -> str:
    """A probability in whole percent, which is never rounded to a certainty."""
    return "<1%" if chance < 0.01 else ">99%" if chance > 0.99 else f"{chance:.0%}"
