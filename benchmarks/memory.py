"""Measured peak of a run's memory against its limit, on generated tables of up to 5 million rows.

    python benchmarks/memory.py FOLDER --rows 5000000 --columns 50 --memory 8G --budget 420s

writes the competition into FOLDER (it is kept there), runs the agent on it, and measures all processes of the run five
times a second: `held` is what nobody else gets (anonymous pages and shared memory, shared ones counted once), which the
limit is for; `mapped` is what they see of files beside that, which the system takes back where memory is short. A row
is appended to benchmarks/results/memory.jsonl. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from memory_data import FORMATS, write_competition

RESULTS = Path(__file__).parent / "results" / "memory.jsonl"
ROOT = Path(__file__).parent.parent
PAUSE = 0.2  # seconds between two measurements
COMMAND = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
SIZES = ((5_000_000, 50), (1_000_000, 50), (200_000, 500))  # rows and columns


def sizes_of(pid: int) -> tuple[int, int]:
    """Bytes of a process: (anonymous and shared memory, pages of mapped files), its share of shared pages each."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    except OSError:  # it has ended
        return 0, 0
    kib = {line.split()[0]: int(line.split()[1]) for line in lines}
    return 1024 * (kib.get("Pss_Anon:", 0) + kib.get("Pss_Shmem:", 0)), 1024 * kib.get("Pss_File:", 0)


def watched(command: list[str], environment: dict[str, str], log: Path) -> dict[str, Any]:
    """Run a command to its end; peaks in bytes: `held`, `mapped` at that instant, `with_files` of both together,
    `agent`, and `child` of the largest other process."""
    peak = {"held": 0, "mapped": 0, "with_files": 0, "agent": 0, "child": 0}
    began, agent = time.monotonic(), 0
    with log.open("w") as stream, subprocess.Popen(command, stdout=stream, stderr=stream, env=environment) as process:
        while process.poll() is None:
            try:
                below = psutil.Process(process.pid).children(recursive=True)
            except psutil.Error:
                break
            if not agent:  # the supervisor's child
                agent = next((p.pid for p in below if p.ppid() == process.pid), 0)
            sizes = {pid: sizes_of(pid) for pid in (process.pid, *(p.pid for p in below))}
            held, mapped = (sum(size[i] for size in sizes.values()) for i in (0, 1))
            if held > peak["held"]:
                peak |= {"held": held, "mapped": mapped}
            peak["with_files"] = max(peak["with_files"], held + mapped)
            peak["agent"] = max(peak["agent"], sizes.get(agent, (0, 0))[0])
            others = [size[0] for pid, size in sizes.items() if pid not in (agent, process.pid)]
            peak["child"] = max(peak["child"], *others, 0)
            time.sleep(PAUSE)
        code = process.wait()
    return {**peak, "exit_code": code, "seconds": round(time.monotonic() - began, 1)}


def experiments_of(runs: Path) -> dict[str, Any]:
    """What became of the experiments of the only run in a folder: verdicts, how many were refused or made smaller."""
    import sqlite3

    with sqlite3.connect(runs / "ledger.sqlite") as connection:
        rows = connection.execute("SELECT verdict, verdict_reason, pipeline FROM experiments").fetchall()
    refused = sum("refused before it started" in (reason or "") for _, reason, _ in rows)
    smaller = sum("fit_rows" in str(pipeline) for _, _, pipeline in rows)
    verdicts = Counter(verdict for verdict, _, _ in rows)
    killed = verdicts.get("memory", 0) - refused
    return {"experiments": dict(verdicts), "refused": refused, "smaller": smaller, "killed": killed}


def measure(
    folder: Path, rows: int, columns: int, kind: str, memory: str, budget: str, options: list[str]
) -> dict[str, Any]:
    """Generate the data, run the agent, and return the row of results."""
    from medalist.agent.workers.allowance import parse_memory

    home, runs = write_competition(folder, rows, columns, kind), folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MEDALIST_CACHE": str(folder / "cache")}
    command = [*COMMAND, "run", str(home), "--memory", memory, "--budget", budget, "--runs-dir", str(runs), *options]
    found = watched(command, environment, folder / "run.log")
    limit = parse_memory(memory)
    submitted = next(runs.glob("*/*/submission.csv"), None)
    made = experiments_of(runs) if submitted is not None else {}
    gib = {name: round(found.pop(name) / 2**30, 2) for name in ("held", "mapped", "with_files", "agent", "child")}
    return {
        "rows": rows,
        "columns": columns,
        "format": kind,
        "limit": round(limit / 2**30, 2),
        **gib,
        "within": gib["held"] <= limit / 2**30,
        "submitted": submitted is not None,
        **made,
        "budget": budget,
        **found,
        "at": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where data, cache and runs are written")
    parser.add_argument("--rows", type=int, help="training rows; without it all of the usual sizes")
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--memory", default="8G")
    parser.add_argument("--budget", default="420s")
    parser.add_argument("--option", action="append", default=[], help="a further one of medalist run")
    given = parser.parse_args()
    sizes = SIZES if given.rows is None else ((given.rows, given.columns),)
    for rows, columns in sizes:
        row = measure(given.folder, rows, columns, given.format, given.memory, given.budget, given.option)
        print(json.dumps(row), flush=True)
        with RESULTS.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
