"""The command line as tests call it, and little competitions on disk to call it on."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from medalist.agent.cli.main import main
from medalist.agent.records.stores import open_ledger
from medalist.competitions.demo.late_parcels import write_demo

CALL = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
TRAIN_ROWS, TEST_ROWS = 400, 150


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """`medalist ARGUMENTS` in a process of its own, with its output in pipes."""
    environment = dict(os.environ, **options.pop("env", {}))
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment} | options
    return subprocess.Popen([*CALL, *map(str, arguments)], **given)


def call(*arguments: str | Path, seconds: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    """`medalist ARGUMENTS`, waited for, at most so many seconds."""
    process = start(*arguments, **options)
    try:
        out, error = process.communicate(timeout=seconds)
    finally:
        process.kill()  # nothing to do where it has ended
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def finished(*arguments: str | Path, **options: Any) -> dict[str, Any]:
    """The summary of a `medalist run … --json` (or resume) that must end well."""
    done = call(*arguments, "--json", **options)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "finish"
    return dict(events[-1])


def here(*arguments: str | Path) -> dict[str, Any]:
    """`finished` in this process: the same command line, without the seconds that a new process takes to import."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*map(str, arguments), "--json"])
    event = json.loads(out.getvalue().splitlines()[-1])
    assert event["event"] == "finish"
    return dict(event)


def demo(folder: Path) -> Path:
    """The embedded competition cut to few rows; its public folder. The answers stay beside it in private/."""
    public = write_demo(folder) / "public"
    for name, rows in (("train", TRAIN_ROWS), ("test", TEST_ROWS), ("sample_submission", TEST_ROWS)):
        path = public / f"{name}.csv"
        pd.read_csv(path)[:rows].to_csv(path, index=False)
    answers = public.parent / "private" / "answers.csv"
    pd.read_csv(answers)[:TEST_ROWS].to_csv(answers, index=False)
    return public


def write(folder: Path, train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, description: str = "") -> Path:
    """A competition of these tables; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("train", train), ("test", test), ("sample_submission", sample)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "description.md").write_text(description, encoding="utf-8")
    return folder


def columns(rows: int, seed: int = 0) -> pd.DataFrame:
    """Inputs: two numbers and a category, under an id that runs on."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "row": np.arange(1, rows + 1),
            "size": rng.normal(size=rows).round(4),
            "weight": rng.gamma(2.0, size=rows).round(4),
            "city": rng.choice(["Oslo", "Rome", "Lima"], rows),
        }
    )


def assert_valid(submission: Path, sample: Path) -> pd.DataFrame:
    """A submission has the sample's ids, order and columns, and no missing value."""
    frame, wanted = pd.read_csv(submission), pd.read_csv(sample)
    assert list(frame.columns) == list(wanted.columns)
    assert frame.iloc[:, 0].tolist() == wanted.iloc[:, 0].tolist()
    assert frame.notna().all().all()
    return frame


def only_run(runs_dir: Path) -> Path:
    """The folder of the only run below a runs folder."""
    (task_file,) = runs_dir.glob("*/*/task.yaml")
    return task_file.parent


def ledger_of(runs_dir: Path) -> Any:
    """The ledger of a runs folder."""
    return open_ledger(str(runs_dir))


def bytes_below(folder: Path) -> Mapping[Path, bytes]:
    """Every file below a folder, with its contents; not what SQLite keeps beside a database while it is open."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".sqlite-shm", ".sqlite-wal"))
    return {path: path.read_bytes() for path in files}


def assert_gone(processes: Sequence[psutil.Process], seconds: float = 10.0) -> None:
    """They end within some seconds (one that only waits to be reaped has ended); what is left is killed."""
    assert processes
    deadline = time.monotonic() + seconds
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [p for p in processes if _runs(p)]
    for process in left:
        process.kill()
    assert not left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
