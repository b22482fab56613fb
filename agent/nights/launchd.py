"""Nights by a launchd agent, on macOS."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

from medalist.agent.nights.schedule import Done, Job
from medalist.agent.nights.system import call
from medalist.competitions.atomic import replace_file

LABEL = "org.medalist.night"


def plist_text(job: Job) -> str:
    """The text of the launchd agent."""
    hour, minute = int(job.schedule.start[:2]), int(job.schedule.start[3:])
    when = [{"Weekday": day + 1, "Hour": hour, "Minute": minute} for day in job.schedule.days]
    document = {
        "Label": LABEL,
        "ProgramArguments": list(job.command),
        "WorkingDirectory": job.folder,
        "EnvironmentVariables": job.environment,
        "StartCalendarInterval": when,
        "StandardOutPath": job.log,
        "StandardErrorPath": job.log,
        "ProcessType": "Background",
        "ExitTimeOut": 120,
    }
    return plistlib.dumps(document).decode()


def install(job: Job) -> Done:
    path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, plist_text(job))
    path.chmod(0o600)
    domain = f"gui/{os.getuid()}"
    call("launchctl", "bootout", f"{domain}/{LABEL}")
    failure = call("launchctl", "bootstrap", domain, str(path))
    notes = [f"It is written but not active ({failure}): run launchctl bootstrap {domain} {path}."] if failure else []
    notes += [
        "A start that the machine slept through is caught up with when it wakes; one while it was off is not.",
        f"Logs: {job.log}, and the folders beside it.",
        "Nights are worked while you are logged in.",
    ]
    return Done("launchd", (str(path),), not failure, tuple(notes))


def uninstall() -> None:
    """Make the agent inactive; a night that runs goes on to its end."""
    call("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}")
