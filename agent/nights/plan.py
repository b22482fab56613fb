"""What a night would do: the slices in the order in which they would be worked, as far as that is known before."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medalist.agent.nights.belief import Prior
from medalist.agent.nights.display import NightLines
from medalist.agent.nights.division import SMALLEST, Candidate, expected_after, next_slice
from medalist.agent.nights.notify import Notifier
from medalist.agent.nights.recording import Recorder
from medalist.agent.nights.roster import Roster, prior_of
from medalist.agent.nights.state import STATE, NightRow, NightState
from medalist.agent.nights.tonight import Tonight


@dataclass(frozen=True)
class Planned:
    """What a night would do with one competition: slices and seconds, and why nothing where it would do none."""

    name: str
    run: str | None
    slices: int
    seconds: float
    expected: float
    chance: float
    why: str


def planned_night(file: Path, runs_dir: str, window: float, keep_going: bool, length: float | None) -> list[Planned]:
    """What a night of so many seconds would do if nothing gained more or less than is expected now; nothing is started
    or written."""
    state = NightState(Path(runs_dir) / STATE)
    row = NightRow("planned", time.time(), time.time() + window, window, str(file), "", 0, "", None, "running", "")
    roster = Roster(file, runs_dir, Recorder(row, state, NightLines(), Notifier()))
    prior = prior_of(runs_dir)
    roster.refresh()
    tonight = list(roster.tonight.values())
    why = {t.name: _held_back(t, prior, keep_going) for t in tonight}
    candidates = [t.candidate(prior) for t in tonight if not why[t.name]]
    seconds, slices = _simulated(candidates, window, roster.shares, length)
    planned = []
    for t in tonight:
        belief = t.belief(prior)
        got = seconds.get(t.name, 0.0)
        reason = why[t.name] or ("" if got else "The window is too short for a slice of it.")
        planned.append(
            Planned(t.name, t.run, slices.get(t.name, 0), got, belief.expected(got / 60), belief.chance(), reason)
        )
    return planned


def _held_back(t: Tonight, prior: Prior, keep_going: bool) -> str:
    """Why a competition would not be worked on; "" where it would."""
    if t.ends < SMALLEST:
        return "Its last day is over."
    return "" if keep_going else t.plateau(prior)


def _simulated(
    candidates: Sequence[Candidate], window: float, shares: float, length: float | None
) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds and slices of each candidate, by name, in a night without surprises."""
    now = list(candidates)
    seconds: dict[str, float] = {}
    slices: dict[str, int] = {}
    left, draw = window, random.Random(0)
    while (found := next_slice(now, left, window, shares, draw, length)) is not None:
        left -= found.seconds
        now = expected_after(now, found)
        seconds[found.name] = seconds.get(found.name, 0.0) + found.seconds
        slices[found.name] = slices.get(found.name, 0) + 1
    return seconds, slices
