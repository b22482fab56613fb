"""TimeTrace: what the fits of a fold took from the clock, so that they can be repeated without it.

A fit asks the clock in two ways: whether its time is over, and for quantities that follow from the time left (how many
rows can be searched, how far training has come). Where the clock changed nothing, its trace is empty, and the same fit
without a deadline gives the same model. Else the trace says at which question the time was over, and which quantities
were used; a repetition is answered from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

NEVER = -1  # number of questions after which the time was over: it never was
Entry = tuple[int, tuple[float, ...]]  # of one fit: questions before its time was over, and quantities; see TimeTrace
NOTHING: Entry = (NEVER, ())


@dataclass
class _Fit:
    """The trace of one fit as it is recorded: `asked` questions, `over` the first that was answered with yes."""

    asked: int = 0
    over: int = NEVER
    quantities: list[float] = field(default_factory=list)
    used: int = 0  # quantities that a repetition has taken
    changed: bool = False  # whether a quantity was not the one without a deadline


class TimeTrace:
    """The traces of the fits of a fold, one after another. Without `entries` it records; with them it repeats."""

    def __init__(self, entries: Sequence[Entry] | None = None):
        self._given = None if entries is None else list(entries)
        self._fits: list[_Fit] = []

    @property
    def repeats(self) -> bool:
        """Whether fits are answered from a recorded trace."""
        return self._given is not None

    def begin(self) -> None:
        """Begin the next fit."""
        fit = _Fit()
        if self._given is not None:
            place = len(self._fits)
            over, quantities = self._given[place] if place < len(self._given) else NOTHING
            fit = _Fit(over=over, quantities=list(quantities))
        self._fits.append(fit)

    @property
    def _fit(self) -> _Fit:
        if not self._fits:
            self.begin()
        return self._fits[-1]

    def is_over(self, late: bool) -> bool:
        """Whether the time of the fit is over; `late`: whether the clock says so."""
        fit = self._fit
        fit.asked += 1
        if self.repeats:
            return fit.over != NEVER and fit.asked > fit.over
        if late and fit.over == NEVER:
            fit.over = fit.asked - 1
        return late

    def quantity(self, measured: float, usual: float) -> float:
        """A quantity that follows from the time left; `usual`: its value without a deadline."""
        fit = self._fit
        if self.repeats:
            fit.used += 1
            return fit.quantities[fit.used - 1] if fit.used <= len(fit.quantities) else usual
        fit.quantities.append(float(measured))
        fit.changed |= measured != usual
        return measured

    @property
    def entries(self) -> tuple[Entry, ...]:
        """An entry for each recorded fit; () where the clock has changed nothing."""
        entries = tuple((f.over, tuple(f.quantities) if f.changed else ()) for f in self._fits)
        return () if all(entry == NOTHING for entry in entries) else entries


def entries_of(document: Iterable[Any]) -> tuple[Entry, ...]:
    """The entries of a trace from plain lists, as JSON has them."""
    return tuple((int(over), tuple(float(q) for q in quantities)) for over, quantities in document)
