"""Measured figures beside the bars that they should reach."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A number and the bar that it should reach: below it, or above where `higher`. None where it is for reading."""

    figure: str
    value: float
    bar: float | None
    higher: bool = False
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.value >= self.bar if self.higher else self.value <= self.bar

    def __str__(self) -> str:
        bar = "" if self.bar is None else f"{'>=' if self.higher else '<='} {self.bar:g}"
        told = {None: "", True: "yes", False: "NO"}[self.met]
        detail = ", ".join(f"{name} {value}" for name, value in self.detail.items())
        return f"{self.figure:<56} {self.value:>9.4g} {bar:>7}  {told:<4} {detail}"


def paired(name: str, bar: float | None, ours: Callable[[], Any], plain: Callable[[], Any], repetitions: int) -> Figure:
    """How long `ours` takes for each second of `plain`: the median over pairs that are run in turn."""
    for own, other in zip(_listed(ours()), _listed(plain()), strict=True):
        np.testing.assert_allclose(np.ravel(own), np.ravel(other), rtol=1e-6, atol=1e-9, err_msg=name)
    seconds: list[tuple[float, float]] = []
    for turn in range(repetitions):
        took = {}
        for side in (ours, plain) if turn % 2 else (plain, ours):
            began = time.perf_counter()
            side()
            took[side] = time.perf_counter() - began
        seconds.append((took[ours], took[plain]))
    our_ms, plain_ms = (round(1e3 * statistics.median(of_side), 2) for of_side in zip(*seconds, strict=True))
    detail = {"our_ms": our_ms, "plain_ms": plain_ms, "pairs": repetitions}
    return Figure(name, statistics.median(a / b for a, b in seconds), bar, detail=detail)


def _listed(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list) else [values]


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Within it, the process runs on one core; where the system cannot do that, wherever it likes."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
