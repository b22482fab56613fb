"""Peak memory of one experiment, in a process of its own: `feature_speed.py` starts this file and watches it.

A process has private pages (RssAnon: what it computed) and pages of mapped files (RssFile: blocks of features, which
every process that maps them shares, and which the system may drop). `private` is the peak of the former, which the
parent reads once a millisecond; `resident` is the peak of both (VmHWM, which the kernel keeps exactly). Both are
counted from what the process has after its imports. Linux only.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from medalist.pipelines.features.store import FeatureStore

FINGERPRINT = "memory"


def status(pid: int | str) -> dict[str, int]:
    """Bytes of the memory figures of a process, by their names in /proc; empty where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    pairs = (line.split() for line in lines if line.endswith(" kB"))
    return {name.rstrip(":"): int(value) * 1024 for name, value, _ in pairs}


def prepare(folder: Path, train: pd.DataFrame, test: pd.DataFrame, y: np.ndarray, held: float = 0.2) -> tuple[int, int]:
    """Write tables, blocks and one fold's rows. The bytes of the float32 matrix, and of the raw table."""
    store = FeatureStore.create(folder, FINGERPRINT, train, test)
    features = [f"number({name})" for name in train.columns]
    store.prepare(features)
    order = np.random.default_rng(0).permutation(len(train))
    cut = int(held * len(train))
    np.savez(
        folder / "fold.npz",
        y=y,
        features=np.array(features),
        fit=np.sort(order[cut:]),
        valid=np.sort(order[:cut]),
        test=np.arange(len(train), len(train) + len(test)),
    )
    return 4 * len(features) * (len(train) + len(test)), store.raw.path.stat().st_size


def measure(folder: Path) -> dict[str, int]:
    """Run the experiment in a new process. Bytes: `baseline`, `private` and `resident`, the latter beyond it."""
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{' '.join(command)} ended before it began.")
        private = baseline = status(process.pid)["RssAnon"]
        process.stdin.write("go\n")
        process.stdin.flush()
        while process.poll() is None:
            private = max(private, status(process.pid).get("RssAnon", 0))
            time.sleep(0.001)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}.")
        resident = json.loads(process.stdout.read())["resident"]
    return {"baseline": baseline, "private": private - baseline, "resident": resident}


def main(folder: Path) -> None:
    import lightgbm  # noqa: F401  # imports are part of the baseline

    from medalist.pipelines.estimators.lightgbm import FAST
    from medalist.pipelines.fitting.fold import run_fold
    from medalist.pipelines.pipeline import Pipeline
    from medalist.pipelines.problem import Problem

    print("ready", flush=True)
    sys.stdin.readline()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = status("self")["VmRSS"]
    with np.load(folder / "fold.npz") as fold:
        y, features, fit, valid, test = (fold[name] for name in ("y", "features", "fit", "valid", "test"))
    problem = Problem("binary", 1, 2, "logloss", False)
    pipeline = Pipeline.of(tuple(map(str, features)), "lightgbm", FAST)
    run_fold(FeatureStore(folder, FINGERPRINT, len(y)), problem, pipeline, y, fit, valid, test)
    print(json.dumps({"resident": status("self")["VmHWM"] - before}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
