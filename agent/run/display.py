"""Displays of a run's events and progress: a live table, plain lines or JSON lines; and the log file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from medalist.agent.run.printable import printable, printable_line
from medalist.competitions.plural import count_text

SCHEMA = 1  # version of the JSON documents; it grows when a field is renamed, removed or means something else

STYLES = {"keep": "green", "discard": "dim", "pruned": "dim", "crash": "red", "timeout": "yellow", "memory": "red"}
WIDTHS = (4, 8, 18)  # of the columns of an experiment on a terminal: number, verdict, score


@dataclass
class Progress:
    """The state of a run that a display shows several times a second.

    best, standard_error: the incumbent's score and its standard error, in the metric's unit. standing: of that score on
    a leaderboard, a sentence.
    running: what each busy worker is doing.
    """

    title: str = ""
    metric: str = ""
    seconds_left: float | None = None
    experiments: int = 0
    max_experiments: int | None = None
    best: float | None = None
    standard_error: float | None = None
    standing: str = ""
    running: tuple[str, ...] = ()


class Display(Protocol):
    """Shows events as they come, and the state several times a second."""

    def event(self, event: Mapping[str, Any]) -> None:
        """Show an event, a dictionary with its kind under "event" and the seconds since the run began under "at"."""

    def tick(self, progress: Progress) -> None:
        """Show the state."""

    def close(self) -> None:
        """Restore the terminal."""


def duration(seconds: float | None) -> str:
    """Seconds as `1 h 02 min`, `3 min 05 s` or `12 s`; `no limit` for None."""
    if seconds is None:
        return "no limit"
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def line(event: Mapping[str, Any]) -> str | None:
    """An event as one line of text for people, or None for an event that is for machines only."""
    kind = event["event"]
    if kind == "experiment":
        score = f"{_score(event)}  " if event["score"] is not None else ""
        why = event["verdict_reason"]
        return f"#{event['number']:<3d} {event['verdict']:<8} {score}{event['family']}: {event['reason']} ({why})"
    if kind == "submission":
        made = event["made_from"]
        what = made if isinstance(made, str) else f"an ensemble of {len(made)}"
        score = "" if event.get("score") is None else f", score {event['score']:.6g}"
        return f"submission.csv renewed: {what}{score}"
    if kind == "screening":
        explaining, used = len(event["explaining"]), len(event["used_by_trees"])
        passed = f"{explaining} explain what the model leaves, trees would use {used}"
        return (
            f"{count_text(event['screened'], 'candidate')} for features screened in {event['seconds']:.0f} s: {passed}"
        )
    if kind == "begin":
        return None
    return str(event["text"]) if "text" in event else None


def _score(event: Mapping[str, Any]) -> str:
    """The score of an experiment with its standard error; "" where it has none."""
    return "" if event["score"] is None else f"{event['score']:.6g} ± {event['standard_error']:.2g}"


def _columns(event: Mapping[str, Any]) -> Any:
    """An experiment as a line of columns, of which the last goes on below itself where the terminal is narrow."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    for width in WIDTHS:
        grid.add_column(width=width, no_wrap=True)
    grid.add_column(overflow="fold")
    what = f"{event['family']}: {event['reason']} ({event['verdict_reason']})"
    grid.add_row(f"#{event['number']}", str(event["verdict"]), _score(event), what)
    return grid


def _write(out: IO[str] | None, text: str) -> None:
    """Write a line and flush; characters that the stream's encoding lacks are escaped. Nothing where `out` is None."""
    if out is None:
        return
    encoding = getattr(out, "encoding", None) or "utf-8"
    out.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    out.flush()


@dataclass
class JsonLines:
    """One JSON object a line, for machines."""

    out: IO[str] = field(default_factory=lambda: sys.stdout)

    def event(self, event: Mapping[str, Any]) -> None:
        _write(self.out, json.dumps({"schema": SCHEMA, **event}, default=str))

    def tick(self, progress: Progress) -> None:
        """Show nothing: machines get events only."""

    def close(self) -> None:
        """Do nothing: a stream needs no end."""


@dataclass
class PlainLines:
    """One line an event, for pipes and logs; with the seconds since the run began."""

    out: IO[str] = field(default_factory=lambda: sys.stdout)

    def event(self, event: Mapping[str, Any]) -> None:
        text = line(event)
        if text is not None:
            _write(self.out, f"[{event['at']:6.1f} s] {printable(text)}")

    def tick(self, progress: Progress) -> None:
        """Show nothing: lines are for events only."""

    def close(self) -> None:
        """Do nothing: a stream needs no end."""


class LiveTable:
    """A table that is redrawn in place on a terminal, with the experiments above it."""

    def __init__(self) -> None:
        from rich.live import Live

        from medalist.agent.run.console import DataConsole

        self._console = DataConsole()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def event(self, event: Mapping[str, Any]) -> None:
        self._live.start()  # not earlier: an input error would leave the cursor hidden
        text = line(event)
        if text is None or event["event"] == "submission":
            return
        style = STYLES.get(str(event.get("verdict")), "")
        shown = _columns(event) if event["event"] == "experiment" else text
        self._console.print(shown, style=style, highlight=False)

    def tick(self, progress: Progress) -> None:
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        table.add_row("time left", duration(progress.seconds_left))
        limit = "" if progress.max_experiments is None else f" of {progress.max_experiments}"
        table.add_row("experiments", f"{progress.experiments}{limit}")
        if progress.best is not None:
            table.add_row(f"best {progress.metric}", f"{progress.best:.6g} ± {progress.standard_error or 0:.2g}")
        if progress.standing:
            table.add_row("standing", progress.standing)
        table.add_row("running", "\n".join(progress.running) or "—")
        self._live.update(Panel(table, title=Text(printable_line(progress.title)), title_align="left", expand=False))

    def close(self) -> None:
        self._live.stop()


@dataclass
class Log:
    """Every event as a line in the run's `log.txt`, with the time of day; tracebacks in full."""

    path: Path

    def write(self, event: Mapping[str, Any]) -> None:
        """Append an event."""
        text = line(event) or ("begin " + json.dumps(dict(event), default=str))
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {printable(text)}\n")
            if event.get("error"):
                file.write(f"{printable(str(event['error']))}\n")


def display_for(as_json: bool) -> Display:
    """JSON lines if `as_json`, a live table on a terminal, else plain lines."""
    if as_json:
        return JsonLines()
    return LiveTable() if sys.stdout is not None and sys.stdout.isatty() else PlainLines()
