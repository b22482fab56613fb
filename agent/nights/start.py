"""A night from its window to its report: one at a time for a folder of runs, going on where one was killed."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from medalist.agent.nights.child import COMMAND
from medalist.agent.nights.display import NightDisplay
from medalist.agent.nights.file import read_nights
from medalist.agent.nights.night import Night
from medalist.agent.nights.notify import Notifier
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.report import night_document
from medalist.agent.nights.report_text import as_markdown, as_text, headline
from medalist.agent.nights.roster import Roster
from medalist.agent.nights.state import STATE, NightRow, NightState
from medalist.agent.nights.window import Window
from medalist.agent.records.claim import locked
from medalist.agent.run.deadline import Interrupts
from medalist.competitions.atomic import replace_file
from medalist.competitions.clock import beating
from medalist.competitions.errors import BudgetError, LedgerError

LEAST_WINDOW = 30.0  # seconds: shorter nights are refused


def state_of(runs_dir: str) -> NightState:
    """The state of the nights of a folder of runs."""
    return NightState(Path(runs_dir) / STATE)


def report_folder(runs_dir: str, night: str) -> Path:
    """Where the report and the logs of a night are."""
    return Path(runs_dir) / "nights" / night


def run_night(
    file: Path,
    runs_dir: str,
    seconds: float | None,
    until: float | None,
    display: NightDisplay,
    *,
    notify: Sequence[str] = (),
    keep_going: bool = False,
    length: float | None = None,
    auto_submit: int = 0,
    command: Sequence[str] = COMMAND,
) -> dict[str, Any]:
    """Work through a night of so many seconds, and return the report on it.

    seconds: of the window; None to go on with a night that was killed and whose window lasts. until: the instant
    (seconds since the epoch) at which the window ends, where a person named an hour. auto_submit: see `Night`.
    Raises a MedalistError where the file, the window or another night does not allow it.
    """
    state = state_of(runs_dir)
    targets = [*read_nights(file).notify, *notify]
    with _alone(runs_dir), beating():
        row, window = _begin(state, file, seconds, until)
        notifier = Notifier(tuple(dict.fromkeys(targets)))

        def after() -> None:
            with contextlib.suppress(OSError, LedgerError):  # a page is not worth a night
                write_report(state, row.id, runs_dir)

        with _interruptible() as stopped:
            recorder = Recorder(row, state, display, notifier)
            roster = Roster(file, runs_dir, recorder)
            night = Night(
                roster, recorder, window, stopped, keep_going, length, after, command, auto_submit=auto_submit
            )
            try:
                night.run()
            except BaseException as error:
                with contextlib.suppress(LedgerError):
                    status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    state.end_night(row.id, status, f"It was ended by an error: {type(error).__name__}: {error}")
                raise
            finally:
                after()
                display.close()
        document = night_document(state, state.night(row.id), runs_dir, night.prior)
        for failure in notifier.tell({"event": "end", **document}, f"{headline(document)}\n\n{as_text(document)}"):
            with contextlib.suppress(LedgerError):
                state.note(row.id, "notify", failure)
        return night_document(state, state.night(row.id), runs_dir, night.prior)


def write_report(state: NightState, night: str, runs_dir: str) -> Path:
    """Write the report on a night as report.md and report.json; returns the path of the first."""
    document = night_document(state, state.night(night), runs_dir)
    folder = report_folder(runs_dir, night)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "report.json", json.dumps(document, indent=2, default=str) + "\n")
    replace_file(folder / "report.md", as_markdown(document))
    return folder / "report.md"


def _begin(state: NightState, file: Path, seconds: float | None, until: float | None) -> tuple[NightRow, Window]:
    """The night that begins, or goes on where its window is that of one that was killed."""
    if seconds is None:
        killed = [n for n in state.nights()[:1] if n.state == "killed" and n.ended is None]
        left = killed[0].ends - time.time() if killed else 0.0
        if left < LEAST_WINDOW:
            raise BudgetError("Say how long the night lasts: give --until 07:00 or --budget 8h.")
        return state.go_on(killed[0].id), Window(left, killed[0].ends)
    if seconds < LEAST_WINDOW:
        raise BudgetError(f"A night of {seconds:.0f} s is too short: give at least {LEAST_WINDOW:.0f} s.")
    ends = time.time() + seconds if until is None else until
    return state.begin_night(ends, seconds, str(file)), Window(seconds, until)


def _alone(runs_dir: str) -> AbstractContextManager[None]:
    """The lock of the nights of a folder of runs. Raises LedgerError where another night holds it."""
    held = f"Another night works in {runs_dir} already: medalist night status shows it."
    return locked(Path(runs_dir) / "nights.lock", held)


@contextmanager
def _interruptible() -> Iterator[Any]:
    """Handle the signals of a person or the system as requests to end the night; yields whether there was one."""
    interrupts = Interrupts(graceful=True)
    before = interrupts.install() if threading.current_thread() is threading.main_thread() else {}
    try:
        yield lambda: interrupts.requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
