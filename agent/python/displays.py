"""Displays of a run that is started from Python: lines, a bar of tqdm, or a function of the caller's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, cast

from medalist.agent.run.display import Display, PlainLines, Progress
from medalist.competitions.errors import InputError
from medalist.competitions.plural import count_text

Event = Mapping[str, Any]


class Bar(Protocol):
    """What is used of a bar of tqdm, whichever of its kinds it is of."""

    n: float
    total: float | None

    def update(self, n: float = 1) -> Any: ...
    def set_postfix_str(self, s: str = "", refresh: bool = True) -> Any: ...
    def close(self) -> Any: ...


Shown = Literal["lines", "bar"] | Callable[[Event], object] | Bar | None


class Silent:
    """Shows nothing."""

    def event(self, event: Event) -> None:
        """Show nothing."""

    def tick(self, progress: Progress) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Callback(Silent):
    """Gives each event to a function. One that raises an exception is warned of and not called again: the run goes
    on."""

    def __init__(self, function: Callable[[Event], object]):
        self._function: Callable[[Event], object] | None = function

    def event(self, event: Event) -> None:
        if self._function is None:
            return
        try:
            self._function(event)
        except Exception as error:  # noqa: BLE001 - whatever the caller's function does, the run goes on
            self._function = None
            text = f"The function given as progress= failed and is not called again: {type(error).__name__}: {error}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)


class ProgressBar(Silent):
    """A bar of tqdm: seconds of the budget, or experiments where there is no budget; the best score beside it."""

    def __init__(self, bar: Bar | None):
        self._bar = bar
        self._beside = ""

    def tick(self, progress: Progress) -> None:
        by_time = progress.seconds_left is not None
        if self._bar is None:
            from tqdm import tqdm

            whole = progress.seconds_left if by_time else progress.max_experiments
            unit = "s" if by_time else " experiments"
            form = "{desc}: {percentage:3.0f}% |{bar}| {n:.0f}/{total:.0f}{unit}{postfix}"
            self._bar = tqdm(desc=progress.title, total=whole, unit=unit, bar_format=form)
        if not self._bar.total:
            self._bar.total = progress.seconds_left if by_time else progress.max_experiments
        done = (self._bar.total or 0.0) - (progress.seconds_left or 0.0) if by_time else progress.experiments
        if done > self._bar.n:
            self._bar.update(done - self._bar.n)
        best = "" if progress.best is None else f", {progress.metric} {progress.best:.6g}"
        beside = f"{count_text(progress.experiments, 'experiment')}{best}" if by_time else best.lstrip(", ")
        if beside != self._beside:  # a bar draws itself each time
            self._beside = beside
            self._bar.set_postfix_str(beside)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def display_of(progress: Shown) -> Display:
    """The display that `progress` asks for; InputError where it is nothing that can show a run."""
    if progress is None:
        return Silent()
    if progress == "lines":
        return PlainLines()
    if progress == "bar":
        return ProgressBar(None)
    if hasattr(progress, "set_postfix_str") and hasattr(progress, "update"):
        return ProgressBar(cast(Bar, progress))
    if callable(progress):
        return Callback(progress)
    raise InputError(f"progress is {progress!r}: give 'lines', 'bar', a bar of tqdm, a function of an event, or None.")
