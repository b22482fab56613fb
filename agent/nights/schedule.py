"""When nights are worked by themselves: from one hour to another, on some days of the week."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medalist.agent.nights.child import COMMAND
from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KEPT = ("PYTHONPATH", "MEDALIST_CACHE", "MEDALIST_LEADERBOARDS", "MEDALIST_LEDGER")  # variables that a night needs too
NAME = "medalist-night"  # of the units and the mark of the cron entry


@dataclass(frozen=True)
class Schedule:
    """A window of nights: local hours as HH:MM, and the days on whose evening it begins, 0 for Monday."""

    start: str
    until: str
    days: tuple[int, ...]

    @classmethod
    def of(cls, start: str, until: str, days: str | None) -> Schedule:
        """The schedule of what was typed; InputError where that cannot be read."""
        made = cls(_clock(start, "--from"), _clock(until, "--until"), parse_days(days))
        if made.start == made.until:
            raise InputError(f"--from and --until are both {start}: a night needs an end.")
        return made

    @property
    def seconds(self) -> float:
        """Length of the window in seconds, on a night in which clocks do not change."""
        begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in (self.start, self.until))
        return ((end - begin) % (24 * 60)) * 60.0

    def starts(self, after: dt.datetime, step: int = 1) -> Iterator[dt.datetime]:
        """The starts after an instant in local time, the next one first; with a step of -1 those up to it, the last one
        first."""
        hour, minute = int(self.start[:2]), int(self.start[3:])
        for k in range(-1, 15):
            at = (after + dt.timedelta(days=k * step)).replace(hour=hour, minute=minute, second=0, microsecond=0)
            if at.weekday() in self.days and ((at > after) if step > 0 else (at <= after)):
                yield at

    def next_start(self, now: dt.datetime) -> dt.datetime:
        """The next start in local time."""
        return next(self.starts(now))

    def last_start(self, now: dt.datetime) -> dt.datetime:
        """The last start up to now in local time."""
        return next(self.starts(now, -1))


def _clock(text: str, option: str) -> str:
    """An hour as HH:MM."""
    try:
        return dt.datetime.strptime(text.strip(), "%H:%M").strftime("%H:%M")
    except ValueError:
        raise InputError(f"{option}: cannot read the time {text!r}; write it as HH:MM, for example 22:00.") from None


def parse_days(text: str | None) -> tuple[int, ...]:
    """Days of the week, 0 for Monday, of a text such as `mon-fri`, `sat,sun` or `daily`; all of them for None.

    Ranges may pass the end of the week (`fri-mon`). InputError where it cannot be read.
    """
    if text is None or text.strip().lower() in ("daily", "all", "every day"):
        return tuple(range(7))
    found: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip().lower()):
        first, _, last = part.partition("-")
        one, other = (next((i for i, d in enumerate(DAYS) if day[:3] == d), None) for day in (first, last or first))
        if one is None or other is None:
            raise InputError(f"--days: cannot read {text!r}; write mon-fri, sat,sun or daily.")
        found |= {(one + k) % 7 for k in range((other - one) % 7 + 1)}
    return tuple(sorted(found))


def days_text(days: Sequence[int]) -> str:
    """The days in words."""
    if len(days) == 7:
        return "every day"
    if len(days) > 2 and list(days) == list(range(days[0], days[-1] + 1)):
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


@dataclass(frozen=True)
class Job:
    """What is started at each start of a schedule: the command, the folder that it is started in, the environment
    variables that it needs, and the file that its output is appended to where no journal takes it."""

    schedule: Schedule
    command: tuple[str, ...]
    folder: str
    environment: dict[str, str]
    log: str

    @classmethod
    def of(cls, schedule: Schedule, file: Path, runs_dir: str) -> Job:
        """The job for a nights.yaml and a folder of runs.

        It lasts until the hour, and at most as long as the window, so that a start that was missed and is caught up
        with does not go on until the next morning.
        """
        runs = Path(runs_dir).absolute()
        minutes = round(schedule.seconds / 60)
        command = (
            *COMMAND,
            "night",
            "run",
            "--until",
            schedule.until,
            "--budget",
            f"{minutes}m",
            "--file",
            str(file.absolute()),
            "--runs-dir",
            str(runs),
        )
        environment = {name: os.environ[name] for name in KEPT if os.environ.get(name)}
        return cls(schedule, command, str(Path.cwd()), environment, str(runs / "nights" / "night.log"))


@dataclass(frozen=True)
class Done:
    """What was written, whether it is active, and what a person should know, as sentences."""

    by: str
    files: tuple[str, ...]
    active: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Installed:
    """A schedule that was installed: by systemd, launchd or cron, since when, its files, and what it works on."""

    by: str
    schedule: Schedule
    since: str
    files: tuple[str, ...]
    file: str
    runs_dir: str
    active: bool = True


def record_path() -> Path:
    """Where it is recorded what was installed for this user."""
    from platformdirs import user_config_dir

    return Path(os.environ.get("XDG_CONFIG_HOME") or user_config_dir()) / "medalist" / "night.json"


def write_record(installed: Installed) -> None:
    """Record what was installed. Raises OSError."""
    place = record_path()
    place.parent.mkdir(parents=True, exist_ok=True)
    replace_file(place, json.dumps(asdict(installed), indent=2) + "\n")


def read_record() -> Installed | None:
    """What was installed; None where nothing was, or the record cannot be read."""
    try:
        document: dict[str, Any] = json.loads(record_path().read_text(encoding="utf-8"))
        schedule = Schedule(**document.pop("schedule"))
        schedule = Schedule(schedule.start, schedule.until, tuple(schedule.days))
        return Installed(schedule=schedule, **{**document, "files": tuple(document["files"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remove_record() -> None:
    """Forget what was installed."""
    record_path().unlink(missing_ok=True)
