"""What nights ask of the system that they are scheduled by: its own commands, and the name of the user."""

from __future__ import annotations

import os
import shutil
import subprocess

SECONDS = 20.0  # longest time that the system's own commands take


def which(program: str) -> str | None:
    """The path of a program, None where it is not installed."""
    return shutil.which(program)


def call(*command: str) -> str:
    """Call a command of the system; what it complained of, "" where it went well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    return "" if done.returncode == 0 else said


def user() -> str:
    """The name of this user, or their number where they have none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
