"""What nights ran, what runs now, what is next, and why something did not run."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medalist.agent.nights.file import read_nights
from medalist.agent.nights.report_text import count
from medalist.agent.nights.schedule import Installed, days_text
from medalist.agent.nights.state import NightRow, NightState, SliceRow
from medalist.agent.run.display import duration

MOST_NIGHTS = 5  # most nights that are listed
LATE = 900.0  # seconds after a start by which a night of the schedule has begun


def status_document(state: NightState, file: Path, installed: Installed | None) -> dict[str, Any]:
    """The status as plain values: `schedule`, `nights` (the newest first), `running`, and `competitions` of the file,
    with what became of each last."""
    nights, slices = state.nights(), state.slices()
    now = dt.datetime.now()
    running = next((s for s in reversed(slices) if s.status == "running"), None)
    alive = next((n for n in nights if n.state == "running"), None)
    competitions = []
    for entry in read_nights(file).competitions:
        mine = [s for s in slices if s.path == entry.path and s.competition == entry.name]
        competitions.append(_competition(str(entry.name), mine, state))
    return {
        "file": str(file),
        "schedule": None if installed is None else _schedule(installed, nights, now),
        "running": None if alive is None else _running(alive, running),
        "nights": [_night(n, slices) for n in nights[:MOST_NIGHTS]],
        "competitions": competitions,
    }


def _schedule(installed: Installed, nights: list[NightRow], now: dt.datetime) -> dict[str, Any]:
    """The schedule, its next start, and whether the last one was missed."""
    schedule = installed.schedule
    last = schedule.last_start(now)
    since = dt.datetime.fromisoformat(installed.since).astimezone().replace(tzinfo=None)
    due = last > since and now.timestamp() - last.timestamp() > LATE
    missed = due and not any(n.began >= last.timestamp() - 60 for n in nights)
    return {
        "by": installed.by,
        "from": schedule.start,
        "until": schedule.until,
        "days": days_text(schedule.days),
        "next": schedule.next_start(now).isoformat(timespec="minutes"),
        "active": installed.active,
        "lacking": [file for file in installed.files if not Path(file).exists()],
        "missed": last.isoformat(timespec="minutes") if missed else None,
    }


def _running(night: NightRow, running: SliceRow | None) -> dict[str, Any]:
    """The night that runs, with the slice that it is at."""
    here = running if running is not None and running.night == night.id else None
    return {
        "night": night.id,
        "left": round(max(0.0, night.ends - time.time())),
        "competition": None if here is None else here.competition,
        "since": None if here is None else round(time.time() - here.began),
        "budget": None if here is None else here.budget,
    }


def _night(night: NightRow, slices: list[SliceRow]) -> dict[str, Any]:
    mine = [s for s in slices if s.night == night.id]
    return {
        "night": night.id,
        "state": night.state,
        "seconds": round(sum(s.seconds or 0.0 for s in mine)),
        "slices": len(mine),
        "failures": sum(s.status in ("failed", "killed") for s in mine),
        "reason": night.reason,
    }


def _competition(name: str, mine: list[SliceRow], state: NightState) -> dict[str, Any]:
    """What became of a competition: its last slice, and what its last night said of it."""
    last = mine[-1] if mine else None
    notes = [] if last is None else [n for n in state.notes(last.night) if n.competition == name]
    held = next((n.text for n in reversed(notes) if n.kind in ("plateau", "skipped")), "")
    failed = last.reason if last is not None and last.status in ("failed", "killed") else ""
    return {
        "competition": name,
        "run": None if last is None else last.run,
        "seconds": round(sum(s.seconds or 0.0 for s in mine)),
        "slices": len(mine),
        "last": None if last is None else last.status,
        "why": failed or held,
    }


def status_text(document: dict[str, Any]) -> str:
    """The status for people."""
    lines = []
    schedule, running = document["schedule"], document["running"]
    if running is not None:
        what = running["competition"]
        doing = "between two slices" if what is None else f"at {what} for {duration(running['since'])}"
        lines.append(f"Running: night {running['night']}, {doing}; {duration(running['left'])} left.")
    if schedule is None:
        lines.append("No nights are scheduled: medalist night install --from 22:00 --until 07:00 does that.")
    else:
        window = f"{schedule['from']} to {schedule['until']}, {schedule['days']}, by {schedule['by']}"
        lines.append(f"Next: {schedule['next'].replace('T', ' ')} ({window}).")
        if schedule["missed"]:
            lines.append(
                f"The night of {schedule['missed'].replace('T', ' ')} did not begin: the machine was off, or "
                f"nobody was logged in (see medalist night install on lingering), or its log says why."
            )
        if not schedule["active"]:
            lines.append("The schedule was written but could not be made active: medalist night install says how.")
        lines += [f"{file} is gone: medalist night install writes it again." for file in schedule["lacking"]]
    for n in document["nights"]:
        failures = f", {n['failures']} failed" if n["failures"] else ""
        done = f"{count(n['slices'], 'slice')}{failures}, {duration(n['seconds'])}"
        lines.append(f"Night {n['night']}: {n['state']}, {done}. {n['reason']}")
    if not document["nights"]:
        lines.append("No night was worked yet.")
    return "\n".join([*lines, *_table(document["competitions"])])


def _table(competitions: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each competition, in columns, with what became of it."""
    rows = []
    for c in competitions:
        done = (count(c["slices"], "slice"), duration(c["seconds"]), c["last"]) if c["slices"] else ("", "", "")
        rows.append((c["competition"], *done, c["why"] if c["slices"] else "not worked on yet"))
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return ["", *lines]
