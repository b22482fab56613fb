"""Nights by a systemd user timer."""

from __future__ import annotations

import os
from pathlib import Path

from medalist.agent.nights.schedule import DAYS, NAME, Done, Job
from medalist.agent.nights.system import call, user
from medalist.competitions.atomic import replace_file


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


def install(job: Job) -> Done:
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"
    home.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in unit_texts(job).items():
        replace_file(home / name, text)
        (home / name).chmod(0o600)  # the environment may hold the password of a ledger
        files.append(str(home / name))
    failure = call("systemctl", "--user", "daemon-reload") or call(
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
    name = user()
    if Path("/var/lib/systemd/linger", name).exists():
        return ["Lingering is on: nights are worked while you are logged out too."]
    return [
        f"Lingering is off: a night begins only while you are logged in, and ends when you log out. To change that: "
        f"loginctl enable-linger {name}."
    ]


def uninstall() -> None:
    """Make the timer inactive; a night that runs goes on to its end."""
    call("systemctl", "--user", "disable", "--now", f"{NAME}.timer")


def forget() -> None:
    """Let systemd forget units whose files are gone."""
    call("systemctl", "--user", "daemon-reload")
