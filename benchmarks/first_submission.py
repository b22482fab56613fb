"""Seconds until the first valid submission, against a bare script, side by side in the same environment.

    python benchmarks/first_submission.py ../shared/competitions --runs 3

The bare script reads the tables with pandas, fits LightGBM with defaults for 100 rounds on the columns as they are
(text as categories) and writes predictions. The agent's time counts from the start of its process to the instant at
which `submission.csv` exists: the best constant first, then the first model's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import json, sys
from pathlib import Path
import lightgbm as lgb
import pandas as pd

folder, out = Path(sys.argv[1]), sys.argv[2]
task = json.loads((folder / "task.json").read_text())
train, test, sample = (pd.read_csv(folder / "public" / f"{n}.csv") for n in ("train", "test", "sample_submission"))
columns = [c for c in test.columns if c != task["id_col"]]
for c in columns:
    if not pd.api.types.is_numeric_dtype(train[c]):
        kind = pd.CategoricalDtype(sorted(set(train[c].dropna().astype(str))))
        train[c], test[c] = train[c].astype(str).astype(kind), test[c].astype(str).astype(kind)
for target in task["targets"]:
    model = lgb.LGBMRegressor if task["problem_type"] == "regression" else lgb.LGBMClassifier
    fitted = model(n_estimators=100, n_jobs=1, verbosity=-1).fit(train[columns], train[target])
    sample[target] = fitted.predict(test[columns])
sample.to_csv(out, index=False)
"""
MEDALIST = [sys.executable, "-c", "from medalist.agent.cli.main import main; main()"]


def bare(folder: Path) -> float:
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", BARE, str(folder), f"{place}/out.csv"], check=True, capture_output=True)
        return time.monotonic() - began


def agent(folder: Path) -> tuple[float, float]:
    """Seconds until the constant's submission, and until the first model's."""
    with tempfile.TemporaryDirectory() as runs:
        began = time.monotonic()
        command = [*MEDALIST, "run", str(folder / "public"), "--budget", "90s", "--runs-dir", runs, "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        seen: list[float] = []
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "submission":
                seen.append(time.monotonic() - began)
            if len(seen) == 2:
                break
        process.kill()
        process.wait()
        return seen[0], seen[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("competitions", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "first_submission.jsonl")
    options = parser.parse_args()
    if not options.competitions.is_dir():
        print(f"Skipped: there is no folder {options.competitions} with competitions.")
        return
    names = options.only or sorted(p.parent.name for p in options.competitions.glob("*/public"))
    ratios: list[tuple[float, float]] = []
    for name in names:
        folder = options.competitions / name
        pairs = [(bare(folder), *agent(folder)) for _ in range(options.runs)]
        constant = statistics.median(a / b for b, a, _ in pairs)
        model = statistics.median(a / b for b, _, a in pairs)
        ratios.append((constant, model))
        row = {
            "competition": name,
            "runs": options.runs,
            "constant_ratio": round(constant, 3),
            "model_ratio": round(model, 3),
        }
        row |= {"bare_s": round(statistics.median(b for b, _, _ in pairs), 2)}
        with options.results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    print(
        f"median ratio: first valid submission {statistics.median(c for c, _ in ratios):.2f}, "
        f"first model {statistics.median(m for _, m in ratios):.2f}; "
        f"largest {max(c for c, _ in ratios):.2f} and {max(m for _, m in ratios):.2f}"
    )


if __name__ == "__main__":
    main()
