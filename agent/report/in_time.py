"""Writes a report at the end of a run or a night, in a child process that is ended where it takes too long.

A report is not worth a deadline or a submission: whatever becomes of it, the command goes on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from medalist.agent.workers.processes import start_child
from medalist.competitions.errors import MedalistError

LEAST_SECONDS = 1.5  # below which it is not tried: it takes about one on an idle machine
MOST_SECONDS = 30.0
REAP_SECONDS = 1.0  # longest wait for the end of its killed process


def report_in_time(kind: str, name: str, runs_dir: str, seconds: float) -> tuple[Path | None, str]:
    """Write the report on a run (`kind` "run") or a night ("night"); returns where it is and "", or None and why there
    is none, as a sentence. It takes no longer than `seconds`."""
    by_hand = f"`{COMMANDS[kind].format(name)}` writes it."
    if seconds < LEAST_SECONDS:
        return None, f"No time is left for the report: {by_hand}"
    try:
        process, pipe = start_child(_write, kind, name, runs_dir, os.getcwd(), dict(os.environ))
    except (OSError, EOFError) as error:
        return None, f"The report was not written ({error or 'its process ended'}): {by_hand}"
    try:
        if not pipe.poll(min(seconds, MOST_SECONDS)):
            return None, f"The report took too long and was given up: {by_hand}"
        path, problem = pipe.recv()
    except (OSError, EOFError):
        return None, f"The report was not written (its process ended): {by_hand}"
    finally:
        process.kill()
        process.join(REAP_SECONDS)
        pipe.close()
    return (Path(path), "") if path else (None, f"The report was not written ({problem}): {by_hand}")


COMMANDS = {"run": "medalist report {}", "night": "medalist night report {} --html"}


def _write(pipe: Connection, kind: str, name: str, runs_dir: str, folder: str, environment: Mapping[str, str]) -> None:
    """Send the path of the report and "", or "" and what went wrong. folder, environment: of the process that asks;
    those of this one are as they were when its fork server was started."""
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        pipe.send((str(_written(kind, name, runs_dir).resolve()), ""))
    except MedalistError as error:
        pipe.send(("", str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run is not worth less for it
        pipe.send(("", f"{type(error).__name__}: {error}"))


def _written(kind: str, name: str, runs_dir: str) -> Path:
    if kind == "night":
        from medalist.agent.report.night_report import write_night_report

        return write_night_report(name, runs_dir)
    from medalist.agent.report.run_report import write_report

    return write_report(name, runs_dir)
