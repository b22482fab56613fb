"""A run on a local cluster of real processes, of which one is killed -9 and one is stopped on the way.

    python benchmarks/cluster_run.py FOLDER --budget 180s [--artifacts URL] > benchmarks/results/cluster.log

Four workers of one core are started, each with a cache of its own as if it were a machine of its own. After a quarter
of the budget one is killed -9, after half of it another is stopped (SIGSTOP) with all below it, and after three
quarters a fifth one joins. Printed are the run's log and what was checked: the time of exit, that each experiment was
recorded once, where they ran, and that the submission is valid.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "agent"))

from dask_nodes import DaskCluster, dask_cluster

from medalist.agent.budget import parse_duration
from medalist.agent.records.stores import open_ledger
from medalist.agent.run.display import line
from medalist.competitions.competition import read_competition

CALL = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]
WORKERS = {"anna": 1, "bela": 1, "cora": 1, "dora": 1}


def say(text: str) -> None:
    print(text, flush=True)


def disturb(cluster: DaskCluster, began: float, budget: float) -> None:
    """Kill one worker, stop another, and let a further one join."""

    def wait_until(share: float) -> None:
        time.sleep(max(0.0, began + share * budget - time.monotonic()))

    def now() -> str:
        return f"[{time.monotonic() - began:6.1f} s]"

    wait_until(0.25)
    below = cluster.processes_of("bela")
    cluster.workers["bela"].kill()
    say(f"{now()} --- kill -9 of bela, who had {len(below)} processes below")
    wait_until(0.5)
    cluster.workers["cora"].send_signal(signal.SIGSTOP)
    for process in cluster.processes_of("cora"):
        process.suspend()
    say(f"{now()} --- SIGSTOP of cora and all below")
    wait_until(0.75)
    cluster.add("elsa")
    say(f"{now()} --- elsa joins")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a competition")
    parser.add_argument("--budget", default="180s")
    parser.add_argument("--artifacts", default=None)
    parser.add_argument("--scratch", default=None, help="where the cluster and the run are kept")
    given = parser.parse_args()
    budget = parse_duration(given.budget)
    scratch = Path(tempfile.mkdtemp(dir=given.scratch))
    with dask_cluster(scratch / "cluster", WORKERS) as cluster:
        runs = scratch / "runs"
        more = ["--artifacts", given.artifacts] if given.artifacts else []
        arguments = ["run", str(given.folder), "--budget", given.budget, "--cluster", cluster.address, *more]
        shown = " ".join(["medalist", *arguments]).replace(str(given.folder), given.folder.parent.name)
        say(f"$ {shown}")
        began = time.monotonic()
        run = subprocess.Popen(
            [*CALL, *arguments, "--runs-dir", str(runs), "--json"], stdout=subprocess.PIPE, stderr=sys.stdout, text=True
        )
        threading.Thread(target=disturb, args=(cluster, began, budget), daemon=True).start()
        assert run.stdout is not None
        where: dict[int, list[str]] = {}
        finish: dict[str, Any] = {}
        for text in run.stdout:
            event = json.loads(text)
            if event["event"] == "nodes":
                where[event["number"]] = event["nodes"]
            if event["event"] == "finish":
                finish = event
            if (shown := line(event)) is not None:
                say(f"[{event['at']:6.1f} s] {shown}")
        code = run.wait()
        seconds = time.monotonic() - began
    say("")
    say(f"exit code {code} after {seconds:.1f} s of {budget:.0f} s: {'in time' if seconds <= budget else 'LATE'}")
    with open_ledger(str(runs)) as ledger:
        (row,) = ledger.runs()
        experiments = ledger.experiments(row.id)
    in_order = [e.number for e in experiments] == list(range(len(experiments)))
    twice = [h for h, n in Counter(e.pipeline_hash for e in experiments if e.verdict != "timeout").items() if n > 1]
    say(f"{len(experiments)} experiments, numbered without a gap: {in_order}; recorded twice: {twice}")
    say(f"verdicts: {dict(Counter(e.verdict for e in experiments))}")
    say(f"experiments by node: {dict(Counter(node for nodes in where.values() for node in nodes))}")
    competition = read_competition(given.folder)
    lines = Path(str(finish["submission"])).read_text().splitlines()
    say(f"submission.csv: {len(lines) - 1} rows for {len(competition.test)} test rows")


if __name__ == "__main__":
    main()
