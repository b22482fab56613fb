"""Displays of a night: a live table of all competitions, plain lines, or JSON lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from medalist.agent.nights.live_table import happened, night_panel
from medalist.agent.nights.progress import NightProgress
from medalist.agent.run.display import SCHEMA
from medalist.agent.run.printable import printable
from medalist.competitions.plural import count_text

Event = Mapping[str, Any]


class NightDisplay(Protocol):
    """Shows what happens in a night."""

    def note(self, competition: str | None, text: str) -> None:
        """Show something that happened, to a competition or (None) to the night."""

    def event(self, competition: str, event: Event) -> None:
        """Show an event of a competition's run."""

    def tick(self, progress: NightProgress) -> None:
        """Show the state; called several times a second."""

    def close(self) -> None:
        """Restore the terminal."""


def short(event: Event, competition: str) -> str | None:
    """The events of a competition's run that matter over all competitions, as a line without its name; None for the
    others."""
    kind = event.get("event")
    if kind == "start":
        return str(event.get("text")).removeprefix(f"{competition}: ")
    if kind == "finish":
        score, error = event.get("score"), event.get("standard_error")
        value = "no score" if score is None else f"{event.get('metric')} {score:.6g} ± {error or 0:.2g}"
        fresh = "on fresh folds" if event.get("confirmed_on_fresh_folds") else "not confirmed"
        return f"{value} ({fresh}), {count_text(event.get('experiments') or 0, 'experiment')} so far"
    if kind == "experiment" and event.get("verdict") == "keep":
        return f"#{event.get('number')} keeps {event.get('family')}: {event.get('reason')}"
    return None


@dataclass
class NightLines:
    """One line for each thing that matters, with the time of day."""

    out: IO[str] = field(default_factory=lambda: sys.stdout)

    def note(self, competition: str | None, text: str) -> None:
        self._write(competition, text)

    def event(self, competition: str, event: Event) -> None:
        if (text := short(event, competition)) is not None:
            self._write(competition, text)

    def tick(self, progress: NightProgress) -> None:
        """Show nothing: lines are for what happens."""

    def close(self) -> None:
        """Do nothing: a stream needs no end."""

    def _write(self, competition: str | None, text: str) -> None:
        who = "" if competition is None else f"{competition}: "
        self.out.write(f"{time.strftime('%H:%M:%S')} {printable(who + text)}\n")
        self.out.flush()


@dataclass
class NightJson:
    """One JSON object a line."""

    out: IO[str] = field(default_factory=lambda: sys.stdout)

    def note(self, competition: str | None, text: str) -> None:
        self._write({"event": "night", "competition": competition, "text": text})

    def event(self, competition: str, event: Event) -> None:
        self._write({"competition": competition, **event})

    def tick(self, progress: NightProgress) -> None:
        """Show nothing: machines get events only."""

    def close(self) -> None:
        """Do nothing: a stream needs no end."""

    def _write(self, document: Event) -> None:
        self.out.write(json.dumps({"schema": SCHEMA, **document}, default=str) + "\n")
        self.out.flush()


class NightTable:
    """A table of all competitions that is redrawn in place (see `live_table`), with what happens above it."""

    def __init__(self) -> None:
        from rich.live import Live

        from medalist.agent.run.console import DataConsole

        self._console = DataConsole()
        self._live = Live(console=self._console, refresh_per_second=2, transient=True)
        self._last: dict[str, str] = {}

    def note(self, competition: str | None, text: str) -> None:
        self._live.start()
        self._console.print(happened(competition, text), highlight=False)

    def event(self, competition: str, event: Event) -> None:
        if (text := short(event, competition)) is not None:
            self._last[competition] = text

    def tick(self, progress: NightProgress) -> None:
        self._live.update(night_panel(progress, self._last))

    def close(self) -> None:
        self._live.stop()


def night_display(as_json: bool) -> NightDisplay:
    """JSON lines if `as_json`, a live table on a terminal, else plain lines."""
    if as_json:
        return NightJson()
    return NightTable() if sys.stdout is not None and sys.stdout.isatty() else NightLines()
