"""Several agents at once on one ledger, killed at random, while the ledger is locked, restarted, cut off or frozen.

    python benchmarks/ledger_writers.py --engine sqlite --trials 5
    python benchmarks/ledger_writers.py --engine postgresql --trials 5

In each trial 8 processes record runs through the agent's own journal (`ledger_writer.py`) until each has recorded its
runs; meanwhile processes are killed (SIGKILL) at random and started again, and the ledger is disturbed: a SQLite file
is locked for seconds by another process; PostgreSQL's connections are ended, the server crashes and comes back, or is
suspended. Then the ledger is compared, row by row and in order, with what it should hold. A row for each trial is
appended to the results; the next call goes on with the next trial. PostgreSQL is started by the script.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger_writer import LOST, expected, failure_of, recorded, write
from postgresql_server import Server, programs

from medalist.agent.records.delivery import deliver_waiting
from medalist.leaderboard.ledger.ledger import Ledger

RESULTS = Path(__file__).parent / "results" / "ledger_writers.jsonl"
DISTURBANCES = {"sqlite": ("locked",), "postgresql": ("connections ended", "crashed", "frozen")}
PAUSES = (0.02, 0.4)  # least and most seconds between two kills
MOST_SECONDS = 1800.0  # of a trial


@dataclass
class Trial:
    """One trial: writers with `runs` runs of `steps` steps each, at least `kills` kills, while any writer is left."""

    engine: str
    seed: int
    writers: int
    runs: int
    steps: int
    kills: int
    place: Path
    server: Server | None = None
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.names = [
            [f"20261130-{writer:02d}{run:02d}00-{self.seed:08x}" for run in range(self.runs)]
            for writer in range(self.writers)
        ]
        (self.place / "told").mkdir(parents=True)
        if self.server is None:
            self.url = str(self.place / "runs" / "ledger.sqlite")
        else:
            self.url = self.server.create(f"ledger_{self.seed}_{os.getpid()}_{time.time_ns()}")

    def run(self) -> dict[str, Any]:
        """The row of the results."""
        began = time.monotonic()
        processes = {self._start(names): names for names in self.names}
        try:
            while processes and time.monotonic() - began < MOST_SECONDS:
                time.sleep(self.draw.uniform(*PAUSES))
                self._reap(processes)
                if self.counts["kills"] < self.kills and processes:
                    self._kill(processes)
                if self.draw.random() < 0.05:
                    self._disturb()
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        if processes:
            self.failures.append("a writer did not end")
        return {
            "engine": self.engine, "seed": self.seed, "writers": self.writers, "kills": self.counts["kills"],
            "disturbances": {name: self.counts[name] for name in DISTURBANCES[self.engine]}, **self._verify(),
            "failures": sorted(set(self.failures)), "seconds": round(time.monotonic() - began, 1),
        }  # fmt: skip

    def _start(self, names: Sequence[str]) -> int:
        """Start a writer, a fork of this process, which has all imported and no ledger open; returns its pid."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            code = write(self.url, self.place, names, self.steps)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a failure to be told
            with (self.place / "failures.txt").open("a") as file:
                file.write(failure_of(error) + "\n")
        finally:
            os._exit(code)

    def _reap(self, processes: dict[int, Sequence[str]]) -> None:
        """Take in writers that ended; one that failed is told, and started again."""
        while processes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            names = processes.pop(pid, None)
            if names is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            if code == LOST:
                self.failures.append("a step that was told is not in the ledger")
            elif code:
                said = self.place / "failures.txt"
                self.failures.append(said.read_text().splitlines()[-1] if said.exists() else f"exit code {code}")
                if len(self.failures) < 50:
                    processes[self._start(names)] = names

    def _kill(self, processes: dict[int, Sequence[str]]) -> None:
        """Kill a writer and start it again."""
        pid = self.draw.choice(sorted(processes))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
            self.counts["kills"] += 1
        names = processes.pop(pid)
        processes[self._start(names)] = names

    def _disturb(self) -> None:
        """Disturb the ledger in one way, for up to some seconds."""
        way, seconds = self.draw.choice(DISTURBANCES[self.engine]), self.draw.uniform(0.2, 4.0)
        self.counts[way] += 1
        if self.server is None:
            _lock(self.url, seconds)
        elif way == "connections ended":
            self.counts["connections"] += self.server.end_connections()
        elif way == "crashed":
            self.server.restart()
        else:
            with self.server.frozen():
                time.sleep(seconds)

    def _verify(self) -> dict[str, int]:
        """Compare the ledger with what it should hold, after what waits was delivered."""
        lost, twice, order, rows = 0, 0, 0, 0
        with Ledger(self.url) as ledger:
            self.failures += deliver_waiting(ledger, self.place / "runs")
            for run_id in (name for names in self.names for name in names):
                found, right = recorded(ledger, run_id), expected(self.steps)
                for table, should in right.items():
                    has = found.get(table, [])
                    missing, added = Counter(should) - Counter(has), Counter(has) - Counter(should)
                    lost, twice = lost + missing.total(), twice + added.total()
                    order += not missing and not added and has != should
                    rows += len(has)
            if self.server is None:
                check = sqlite3.connect(self.url).execute("PRAGMA integrity_check").fetchone()[0]
                if check != "ok":
                    self.failures.append(f"integrity: {check}")
        return {"rows": rows, "lost": lost, "twice": twice, "out_of_order": order}


def _lock(path: str, seconds: float) -> None:
    """Lock a SQLite file for some seconds, in another process."""
    if os.fork():
        return
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=list(DISTURBANCES), default="sqlite")
    parser.add_argument("--trials", type=int, default=1, help="more trials to make")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--runs", type=int, default=4, help="runs of each writer")
    parser.add_argument("--steps", type=int, default=80, help="steps of each run")
    parser.add_argument("--kills", type=int, default=100, help="at least so many, where the writers work so long")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    server, found = None, programs()
    if options.engine == "postgresql":
        if found is None:
            sys.exit("PostgreSQL's initdb, pg_ctl and postgres are not installed: apt-get install postgresql.")
        server = Server(found, fsync=True)
    assert threading.active_count() == 1  # writers are forks
    done = options.results.read_text().splitlines() if options.results.exists() else []
    seed = sum(json.loads(line)["engine"] == options.engine for line in done)
    try:
        for number in range(seed, seed + options.trials):
            place = Path(tempfile.mkdtemp(prefix="medalist-writers-"))
            trial = Trial(
                options.engine, number, options.writers, options.runs, options.steps, options.kills, place, server
            )
            row = trial.run()
            options.results.parent.mkdir(parents=True, exist_ok=True)
            with options.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
            if not (row["lost"] or row["twice"] or row["out_of_order"] or row["failures"]):
                shutil.rmtree(place)
    finally:
        if server is not None:
            server.close()


if __name__ == "__main__":
    main()
