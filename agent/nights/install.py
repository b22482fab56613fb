"""Installs a schedule of nights for this user, with what the system has: systemd, launchd or cron."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medalist.agent.nights.schedule import DAYS, NAME, Installed, Job, which
from medalist.competitions.atomic import replace_file
from medalist.competitions.errors import InputError

LABEL = "org.medalist.night"  # of the launchd agent
MARK = f"# {NAME}"  # ends the cron entry
SECONDS = 20.0  # longest time that the system's own commands take


@dataclass(frozen=True)
class Done:
    """What was written, whether it is active, and what a person should know, as sentences."""

    by: str
    files: tuple[str, ...]
    active: bool
    notes: tuple[str, ...]


def best_way() -> str:
    """systemd where it runs this machine, launchd on macOS, else cron."""
    if sys.platform == "darwin":
        return "launchd"
    return "systemd" if Path("/run/systemd/system").is_dir() and which("systemctl") else "cron"


def install(job: Job, by: str | None = None) -> Done:
    """Install a job, in place of one that was there. by: systemd, launchd or cron; None for the best one here.

    Raises InputError where that is not possible here.
    """
    ways = {"systemd": _with_systemd, "launchd": _with_launchd, "cron": _with_cron}
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
        _call("systemctl", "--user", "disable", "--now", f"{NAME}.timer")
    if installed.by == "launchd":
        _call("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}")
    if installed.by == "cron":
        lines = _crontab()
        if any(line.endswith(MARK) for line in lines):
            _write_crontab([line for line in lines if not line.endswith(MARK)])
            removed.append("the entry of crontab")
    for file in installed.files:
        with contextlib.suppress(FileNotFoundError):
            Path(file).unlink()
            removed.append(file)
    if installed.by == "systemd":
        _call("systemctl", "--user", "daemon-reload")
    return tuple(removed)


# systemd


def unit_texts(job: Job) -> dict[str, str]:
    """The texts of the service and the timer, by file name."""
    days = ",".join(DAYS[day].capitalize() for day in job.schedule.days)
    when = f"{days + ' ' if len(job.schedule.days) < 7 else ''}*-*-* {job.schedule.start}:00"
    environment = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in job.environment.items())
    return {
        f"{NAME}.service": (
            "[Unit]\nDescription=A night of medalist\n\n"
            f"[Service]\nType=exec\nWorkingDirectory={_path(job.folder)}\n{environment}"
            f"ExecStart={' '.join(map(_quoted, job.command))}\n"
            "KillMode=mixed\nTimeoutStopSec=120\nSuccessExitStatus=3\n"
        ),
        f"{NAME}.timer": (
            "[Unit]\nDescription=Nights of medalist\n\n"
            f"[Timer]\nOnCalendar={when}\nPersistent=true\nAccuracySec=1min\n\n"
            "[Install]\nWantedBy=timers.target\n"
        ),
    }


def _quoted(word: str) -> str:
    """A word of a unit file: quoted, and without specifiers or variables (systemd.service(5), Command lines)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _path(path: str) -> str:
    """A path as the value of a setting, which takes no quotes."""
    return path.replace("%", "%%")


def _with_systemd(job: Job) -> Done:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    home.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in unit_texts(job).items():
        replace_file(home / name, text)
        (home / name).chmod(0o600)  # the environment may hold the password of a ledger
        files.append(str(home / name))
    failure = _call("systemctl", "--user", "daemon-reload") or _call(
        "systemctl", "--user", "enable", "--now", f"{NAME}.timer"
    )
    notes = []
    if failure:
        notes.append(
            f"The timer is written but not active ({failure}): in a session of yours, run "
            f"systemctl --user enable --now {NAME}.timer."
        )
    notes += [
        "An evening that was missed is caught up with once, for as long as a night, when the machine is on again.",
        f"Logs: journalctl --user -u {NAME}, and the folders in {Path(job.log).parent}.",
        *_lingering(),
    ]
    return Done("systemd", tuple(files), not failure, tuple(notes))


def _lingering() -> list[str]:
    """What a night needs when nobody is logged in."""
    user = _user()
    if Path("/var/lib/systemd/linger", user).exists():
        return ["Lingering is on: nights are worked while you are logged out too."]
    return [
        f"Lingering is off: a night begins only while you are logged in, and ends when you log out. To change that: "
        f"loginctl enable-linger {user}."
    ]


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


# launchd


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


def _with_launchd(job: Job) -> Done:
    path = Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, plist_text(job))
    path.chmod(0o600)
    domain = f"gui/{os.getuid()}"
    _call("launchctl", "bootout", f"{domain}/{LABEL}")
    failure = _call("launchctl", "bootstrap", domain, str(path))
    notes = [f"It is written but not active ({failure}): run launchctl bootstrap {domain} {path}."] if failure else []
    notes += [
        "A start that the machine slept through is caught up with when it wakes; one while it was off is not.",
        f"Logs: {job.log}, and the folders beside it.",
        "Nights are worked while you are logged in.",
    ]
    return Done("launchd", (str(path),), not failure, tuple(notes))


# cron


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


def _with_cron(job: Job) -> Done:
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


def _call(*command: str) -> str:
    """Call a command of the system; what it complained of, "" where it went well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    return "" if done.returncode == 0 else said


def installed_now(done: Done, job: Job, file: Path, runs_dir: str) -> Installed:
    """The record of what was installed."""
    since = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    runs = str(Path(runs_dir).absolute())
    return Installed(done.by, job.schedule, since, done.files, str(file.absolute()), runs, done.active)
