"""Shows a download on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from medalist.competitions.clock import awake

LINE_SECONDS = 5.0  # between two lines where standard error is no terminal


class Transfer:
    """A context in which the download of `name` is shown; its bar is taken away at the end. A standard error that is
    closed or full is done without."""

    def __init__(self, name: str):
        self.name = name
        self._bar: Any = None
        self._began: tuple[float, int] | None = None
        self._written = 0.0

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.stop()

    def announce(self, text: str) -> None:
        """Write a line."""
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def progress(self, done: int, total: int | None) -> None:
        """Show how many bytes of all (None where that is not known) are here."""
        now = awake()
        if self._began is None:
            self._began, self._written = (now, done), now
        with suppress(OSError, ValueError, AttributeError):
            if sys.stderr.isatty():
                self._draw(done, total)
            elif now - self._written >= LINE_SECONDS and done != total:
                self._written = now
                self.announce(self._line(done, total, now))

    def _line(self, done: int, total: int | None, now: float) -> str:
        """As "titanic: 12.3 of 93.1 MB, 4.2 MB/s"; the rate is that since the beginning of this download."""
        assert self._began is not None
        began, before = self._began
        rate = (done - before) / max(now - began, 1e-9)
        whole = "" if total is None else f" of {total / 1e6:,.1f}"
        return f"{self.name}: {done / 1e6:,.1f}{whole} MB, {rate / 1e6:,.1f} MB/s"

    def _draw(self, done: int, total: int | None) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )

            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            bar.add_task(self.name, total=total)
            bar.start()
            self._bar = bar
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)
