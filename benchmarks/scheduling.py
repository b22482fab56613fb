"""Simulated scheduling: experiments per hour for 2 to 64 workers, from recorded durations, and what limits them.

    python benchmarks/scheduling.py record --seconds 1400
    python benchmarks/scheduling.py simulate --workers 2 4 8 16 32 64 --hours 0.5

`record` makes a real run on a generated competition, and writes what its jobs took and returned. `simulate` makes the
real search (proposals, pruning, judging, ensemble, predictions on disk, SQLite ledger, submissions) with a pool on
virtual time: jobs last as long as recorded ones and return predictions of recorded quality, and the head's own work is
really done and measured, so that it delays the workers as it would. Each number of workers appends a line to the
results; `table` prints the last ones. Efficiency is against 2 workers: of experiments per hour, and by work, of the
worker-seconds that finished experiments needed. The latter does not depend on which experiments came: in the same
window many workers come to longer ones than two.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import scheduling_data
from scheduling_head import Clock, Steps, VirtualBudget, watched_modules
from scheduling_jobs import Predictions, Recorded
from scheduling_pool import SimulatedPool
from scheduling_record import Recording, search_of
from threadpoolctl import threadpool_limits

from medalist.agent.config import RunConfig
from medalist.agent.search.jobs import Active
from medalist.agent.search.loop import Search
from medalist.agent.workers.jobs import Outcome

RESULTS = Path(__file__).parent / "results"
BASE = 2  # workers that efficiency is against
LEAST_SHOWN = 0.01  # of the head's time, for a step to be shown
TRAIN_SHARE = 0.8  # of the rows that a fold's model is fitted on


def record(options: argparse.Namespace) -> None:
    """Make a real run and write its lines."""
    with tempfile.TemporaryDirectory(dir=options.place) as place:
        competition = Path(place) / "scheduling"
        log_odds = scheduling_data.write(competition, options.rows, options.columns)
        options.recorded.unlink(missing_ok=True)
        Recording(competition, Path(place) / "runs", options.recorded, log_odds, options.seconds).run()


def simulate(options: argparse.Namespace) -> None:
    """Make a simulated run for each number of workers, and append its line."""
    with tempfile.TemporaryDirectory(dir=options.place) as place:
        competition = Path(place) / "scheduling"
        log_odds = scheduling_data.write(competition, options.rows, options.columns)
        recorded = Recorded.read(options.recorded, int(TRAIN_SHARE * options.rows))
        for workers, seed in [(w, s) for w in options.workers for s in options.seeds]:
            runs = Path(place) / "runs"
            clock = Clock()
            steps = Steps(clock)
            predictions = Predictions(recorded, log_odds, options.rows)
            network = {"latency": options.latency, "bandwidth": options.bandwidth}
            pool = SimulatedPool(workers, clock, steps, recorded, predictions, **network)
            began = time.monotonic()
            search, profile = simulated(competition, runs, options.hours * 3600, pool, seed, profiled=options.profile)
            line = {"workers": workers, "hours": options.hours, "rows": options.rows, "seed": seed}
            line |= summary(search, pool)
            line |= {"took": round(time.monotonic() - began, 1), "label": options.label}
            with options.results.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
            print(json.dumps(line), flush=True)
            if profile is not None:
                profile.dump_stats(options.place / f"profile_{workers}.pstats")
            search.recorder.journal.ledger.close()
            shutil.rmtree(runs)


def simulated(
    competition: Path, runs: Path, seconds: float, pool: SimulatedPool, seed: int, *, profiled: bool = False
) -> tuple[Search, cProfile.Profile | None]:
    """The search after a simulated run of so many seconds."""
    config = RunConfig(path=str(competition), budget=seconds, threads=pool.count, runs_dir=str(runs), seed=seed)
    budget = VirtualBudget(time.monotonic(), seconds, clock=pool.clock)
    with pool.clock.paused():
        search = search_of(config, budget, pool)
    search.recorder.clock = lambda: pool.clock.now
    pool.steps.watch_search(search)
    take = search.intake.take

    def counted(outcome: Outcome) -> None:
        if outcome.job.kind != "screen" and all(a.number != outcome.job.key for a in search.under_way.active):
            pool.lost += outcome.seconds
        take(outcome)

    search.intake.take = counted  # type: ignore[method-assign]
    add = search.recorder.record

    def credited(active: Active) -> None:
        pool.credit += needed_seconds(active)
        add(active)

    search.recorder.record = credited  # type: ignore[method-assign]
    profile = cProfile.Profile(time.process_time) if profiled else None
    with watched_modules(pool.steps):
        if profile is None:
            search.run(lambda: None)
        else:
            profile.runcall(search.run, lambda: None)
    return search, profile


def needed_seconds(active: Active) -> float:
    """Worker-seconds that a finished experiment needed: of a pruned one those of the folds that showed it."""
    pruned = re.search(r"after (\d+) folds", active.pruned or "")
    if pruned is None or not active.results:
        return active.busy_seconds
    return active.busy_seconds * min(1.0, int(pruned[1]) / len(active.results))


def summary(search: Search, pool: SimulatedPool) -> dict[str, Any]:
    """The figures of a run: rates, and shares of the workers' and of the head's time."""
    virtual, head = pool.clock.now, pool.clock.head
    done = [r for r in search.records if not r.cut_short]
    pruned = sum(r.verdict == "pruned" for r in done)
    of_workers = pool.count * virtual
    by_step = dict(pool.steps.seconds)
    by_step["loop"] = head - sum(by_step.values())
    kept = [r for r in done if r.gain > 0]
    return {
        "seconds": round(virtual, 1),
        "experiments": len(done),
        "per_hour": round(len(done) / virtual * 3600, 1),
        "complete_per_hour": round((len(done) - pruned) / virtual * 3600, 1),
        "pruned": round(pruned / max(1, len(done)), 3),
        "work_each": round(pool.work / max(1, len(done)), 2),
        "busy": round(pool.work / of_workers, 4),
        "lost": round(pool.lost / max(pool.work, 1e-9), 4),
        "credit": round(pool.credit / of_workers, 4),
        "unproposed": round(pool.unproposed / of_workers, 4),
        "head": round(head / virtual, 4),
        "head_each": round(head / max(1, len(done)), 4),
        "steps": {k: round(v / head, 4) for k, v in sorted(by_step.items(), key=lambda i: -i[1])},
        "gains": len(kept),
        "gain": round(sum(r.gain for r in kept), 6),
        "loss": None if search.leaders.champion is None else search.leaders.champion.score.loss,
        "families": Counter(r.pipeline.family for r in done),
        "arms": Counter(r.arm for r in done),
        "waited": round(pool.clock.waited, 2),
        "sent_mb": round(pool.sent_bytes / 1e6, 1),
        "exhausted": search.exhausted,
    }


def table(options: argparse.Namespace) -> None:
    """Print the results of each number of workers, averaged over seeds; of each seed the last one counts."""
    lines = [json.loads(text) for text in options.results.read_text(encoding="utf-8").splitlines()]
    last = {(line["workers"], line["seed"]): line for line in lines if line["label"] == options.label}
    print(*rows_of(list(last.values())), sep="\n")


def rows_of(lines: Sequence[dict[str, Any]]) -> list[str]:
    """The rows of a Markdown table, and the steps of the head's time."""
    heads = [
        "workers",
        "runs",
        "experiments/h",
        "efficiency",
        "by work",
        "used",
        "busy",
        "lost",
        "nothing to do",
        "head",
    ]
    rows = ["| " + " | ".join([*heads, "s of it each"]) + " |", "|" + "---|" * (len(heads) + 1)]
    by_workers = {w: [line for line in lines if line["workers"] == w] for w in sorted({e["workers"] for e in lines})}

    def mean(workers: int, name: str) -> float:
        return fmean(line[name] for line in by_workers[workers])

    for workers, of_workers in by_workers.items():
        efficiency = by_work = float("nan")
        if BASE in by_workers:
            efficiency = mean(workers, "per_hour") / mean(BASE, "per_hour") * BASE / workers
            by_work = mean(workers, "credit") / mean(BASE, "credit")
        shares = [f"{mean(workers, name):.0%}" for name in ("credit", "busy", "lost", "unproposed", "head")]
        cells = [str(workers), str(len(of_workers)), f"{mean(workers, 'per_hour'):,.0f}", f"{efficiency:.0%}"]
        rows.append("| " + " | ".join([*cells, f"{by_work:.0%}", *shares, f"{mean(workers, 'head_each'):.3f}"]) + " |")
    for workers, of_workers in by_workers.items():
        steps = {step: fmean(line["steps"].get(step, 0.0) for line in of_workers) for step in of_workers[0]["steps"]}
        shares = [f"{step} {share:.0%}" for step, share in steps.items() if share >= LEAST_SHOWN]
        rows.append(f"{workers} workers, the head's time: " + ", ".join(shares))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("record", "simulate", "table"))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=1400, help="of the recorded run")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4, 8, 16, 32, 64])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="a run for each")
    parser.add_argument("--hours", type=float, default=0.5, help="virtual hours of each simulated run")
    parser.add_argument("--latency", type=float, default=0.001, help="seconds of a message")
    parser.add_argument("--bandwidth", type=float, default=125e6, help="bytes a second of the head's network")
    parser.add_argument("--recorded", type=Path, default=RESULTS / "scheduling_recorded.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS / "scheduling.jsonl")
    parser.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()), help="folder for the runs")
    parser.add_argument("--label", default="", help="kept with the results")
    parser.add_argument("--profile", action="store_true", help="write a profile of the head beside the runs")
    options = parser.parse_args()
    with threadpool_limits(1):  # the head's work is of one core
        {"record": record, "simulate": simulate, "table": table}[options.what](options)


if __name__ == "__main__":
    main()
