"""Installs a schedule of nights for this user, with what the system has: systemd, launchd or cron."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from pathlib import Path

from medalist.agent.nights import cron, launchd, systemd
from medalist.agent.nights.schedule import Done, Installed, Job
from medalist.agent.nights.system import which
from medalist.competitions.errors import InputError


def best_way() -> str:
    """systemd where it runs this machine, launchd on macOS, else cron."""
    if sys.platform == "darwin":
        return "launchd"
    return "systemd" if Path("/run/systemd/system").is_dir() and which("systemctl") else "cron"


def install(job: Job, by: str | None = None) -> Done:
    """Install a job, in place of one that was there. by: systemd, launchd or cron; None for the best one here.

    Raises InputError where that is not possible here.
    """
    ways = {"systemd": systemd.install, "launchd": launchd.install, "cron": cron.install}
    by = by or best_way()
    if by not in ways:
        raise InputError(f"--with {by} is unknown: give systemd, launchd or cron.")
    Path(job.log).parent.mkdir(parents=True, exist_ok=True)
    try:
        return ways[by](job)
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        raise InputError(f"The schedule cannot be written{place} ({error.strerror}): allow it.") from None


def uninstall(installed: Installed) -> tuple[str, ...]:
    """Take a schedule away again; returns what was removed. A night that runs goes on to its end."""
    removed = []
    if installed.by == "systemd":
        systemd.uninstall()
    elif installed.by == "launchd":
        launchd.uninstall()
    elif installed.by == "cron" and cron.uninstall():
        removed.append("the entry of crontab")
    for file in installed.files:
        with contextlib.suppress(FileNotFoundError):
            Path(file).unlink()
            removed.append(file)
    if installed.by == "systemd":
        systemd.forget()
    return tuple(removed)


def installed_now(done: Done, job: Job, file: Path, runs_dir: str) -> Installed:
    """The record of what was installed."""
    since = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    runs = str(Path(runs_dir).absolute())
    return Installed(done.by, job.schedule, since, done.files, str(file.absolute()), runs, done.active)
