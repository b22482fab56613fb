"""FitRecord: what it takes to fit one fold of a pipeline once more to the same numbers, beside the pipeline itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from medalist.pipelines.estimators.time_trace import Entry, entries_of


@dataclass(frozen=True)
class FitRecord:
    """How one fold was fitted.

    threads: of the fit, on which sums may depend. trace: what the clock has changed in it (see `TimeTrace`); () for
    nothing. inputs: hash of some rows of the training matrix and of the targets as they were fitted, "" where it is not
    known.
    """

    threads: int = 1
    trace: tuple[Entry, ...] = ()
    inputs: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the trace is left out where it is empty."""
        document: dict[str, Any] = {"threads": self.threads, "inputs": self.inputs}
        return document | ({"trace": [[over, list(q)] for over, q in self.trace]} if self.trace else {})

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> FitRecord:
        """The record of plain values as `as_dict` returns them."""
        return cls(int(document["threads"]), entries_of(document.get("trace", ())), str(document["inputs"]))

    @classmethod
    def joined(cls, records: Iterable[FitRecord]) -> FitRecord:
        """The record of a fold that was fitted in parts, one after another."""
        first, *rest = records
        for record in rest:
            first = replace(first, inputs=first.inputs + record.inputs)
        return first
