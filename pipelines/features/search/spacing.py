"""How the rows of a group follow each other in time: their natural periods, and spans where they come irregularly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalist.pipelines.features.frames.frame import Frame
from medalist.pipelines.features.frames.ordering import DAY, sequence, times
from medalist.pipelines.features.language.expression import Node

PERIODS = (1.0, 7.0, 28.0)  # days; a period counts where it is 3 rows or more
SHORT_PERIODS = (1 / 24, 1 / 4)  # the same where rows are less than a day apart: an hour, and a quarter of a day
ROWS = (4, 8, 24)  # periods of numbered rows, whose unit is not known
MOST_ROWS = 700  # longest period in rows: a month of hourly ones
IRREGULAR = 0.25  # share of steps that differ from the usual one by more than a half, from which spans of time are used
SPANS = (5.0, 20.0, 80.0)  # usual steps, for spans of numbers


@dataclass(frozen=True)
class Spacing:
    """periods: in rows, ascending. spans: of time, in days for dates, else in the unit of the order. irregular: whether
    a number of rows is no span of time."""

    periods: tuple[int, ...]
    spans: tuple[float, ...]
    irregular: bool


def spacing_of(frame: Frame, node: Node, by: tuple[Node, ...]) -> Spacing:
    """The spacing of rows in order of `node` within the groups of `by`."""

    def make() -> Spacing:
        ordered = sequence(frame, node, by)
        now, unit = times(frame, node)
        now = now[ordered.order]
        steps = ((now - ordered.shift(now, 1)) / unit)[ordered.position > 0]
        steps = steps[np.isfinite(steps) & (steps > 0)]
        if not len(steps):
            return Spacing((), (), False)
        usual = float(np.median(steps))
        irregular = bool(np.mean(np.abs(steps / usual - 1) > 0.5) > IRREGULAR)
        longest = int(ordered.position.max(initial=0)) // 2
        history = float(np.nanmax(now) - np.nanmin(now)) / unit / 4
        if unit != DAY:
            spans = tuple(round(usual * k, 6) for k in SPANS if usual * k <= history)
            return Spacing(tuple(k for k in ROWS if k <= longest), spans, irregular)
        days = (*(SHORT_PERIODS if usual < SHORT_PERIODS[0] else ()), *PERIODS)
        typical = float(np.mean(steps)) if irregular else usual
        rows = dict.fromkeys(round(day / typical) for day in days)
        periods = tuple(k for k in rows if 3 <= k <= min(MOST_ROWS, longest)) or tuple(k for k in ROWS if k <= longest)
        return Spacing(periods, tuple(day for day in days if 2 * usual <= day <= history), irregular)

    return frame.cached(("spacing", node, by), make)
