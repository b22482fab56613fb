"""Nights by an entry of this user's crontab."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from medalist.agent.nights.schedule import NAME, Done, Job
from medalist.agent.nights.system import SECONDS, which
from medalist.competitions.errors import InputError

MARK = f"# {NAME}"  # ends the entry


def cron_line(job: Job) -> str:
    """The entry of crontab. A percent sign is a line end there, unless it is escaped."""
    hour, minute = int(job.schedule.start[:2]), int(job.schedule.start[3:])
    days = "*" if len(job.schedule.days) == 7 else ",".join(str((day + 1) % 7) for day in job.schedule.days)
    environment = [f"{name}={value}" for name, value in job.environment.items()]
    words = ["env", *environment, *job.command] if environment else list(job.command)
    command = f"cd {shlex.quote(job.folder)} && {shlex.join(words)} >> {shlex.quote(job.log)} 2>&1"
    if "\n" in command:
        raise InputError("A path or variable of the night has a line end in its name, which cron does not take.")
    return f"{minute} {hour} * * {days} {command.replace('%', chr(92) + '%')} {MARK}"


def install(job: Job) -> Done:
    if which("crontab") is None:
        raise InputError(
            "There is neither systemd nor cron here: install cron, or start this yourself every evening: "
            + shlex.join(job.command)
        )
    kept = [line for line in _crontab() if not line.endswith(MARK)]
    _write_crontab([*kept, cron_line(job)])
    notes = (
        "cron does not catch up with an evening that was missed.",
        f"Logs: {job.log}, and the folders beside it.",
        "The cron service must run on this machine; nobody needs to be logged in.",
    )
    return Done("cron", (), True, notes)


def _crontab() -> list[str]:
    """The lines of this user's crontab; [] where there is none."""
    done = subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def _write_crontab(lines: Sequence[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    done = subprocess.run(["crontab", "-"], input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise InputError(f"crontab does not take the entry ({done.stderr.strip()}): is cron allowed for this user?")


def uninstall() -> bool:
    """Take the entry away again; whether there was one."""
    lines = _crontab()
    if not any(line.endswith(MARK) for line in lines):
        return False
    _write_crontab([line for line in lines if not line.endswith(MARK)])
    return True
