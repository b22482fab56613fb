"""Level and power of the tests that decide on features, on made data.

    python benchmarks/test_power.py                      # of screenings by unit and of comparisons
    python benchmarks/test_power.py --only comparisons --repetitions 400

`screening`: the z-scores of columns that are constant within groups, taken as independent rows and by unit, and the
time of both. `comparisons`: how often a comparison of two models of n rows is significant, where both are equally good
(level) and where one is better (power). Each figure appends a line to the results file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medalist.agent.score import paired
from medalist.competitions.metrics.registry import get_metric
from medalist.pipelines.features.language.parser import parse
from medalist.pipelines.features.search.sampling import RUNGS, Sample
from medalist.pipelines.features.store import FeatureStore
from medalist.pipelines.problem import Problem

NOISE = 20  # columns constant within a group that mean nothing
LEVELS = {"picks": 0.1, "groups": 0.0125, "singles": 0.0125 / 6}
PROBLEMS = {
    "rmse": Problem("regression", 1, 0, "l2", False),
    "logloss": Problem("binary", 1, 2, "logloss", False),
    "auc": Problem("binary", 1, 2, "logloss", False),
}


def screening(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """z-scores by rows and by units, and the seconds of scoring all columns on all rungs."""
    for rows, groups in ((6_000, 150), (100_000, 150), (100_000, 20_000)):
        rng = np.random.default_rng(options.seed)
        group = rng.integers(0, groups, rows)
        frame = pd.DataFrame({f"noise{j}": rng.normal(size=groups)[group] for j in range(NOISE)})
        frame["between"], frame["within"] = rng.normal(size=groups)[group], rng.normal(size=rows)
        error = rng.normal(size=groups)[group] + rng.normal(size=rows)
        y = (error + 1.5 * frame["between"] + 0.3 * frame["within"]).to_numpy()[:, None]
        for name, units in (("rows", None), ("units", group)):
            with tempfile.TemporaryDirectory() as folder:
                store = FeatureStore.create(Path(folder), "f", frame, frame[:100])
                sample = Sample(store, np.arange(rows), y - y.mean(), y, options.seed, units)
                features = {column: parse(f"number({column})") for column in frame}
                for k in range(sample.last_rung + 1):  # the frames are made once
                    sample.score(features["within"], k)
                began = time.perf_counter()
                scores = {column: sample.score(f, 0) for column, f in features.items()}
                of_first = time.perf_counter() - began
                began = time.perf_counter()
                for f in features.values():
                    sample.score(f, sample.last_rung)
                of_last = time.perf_counter() - began
            z = {column: 0.0 if s is None else round(s.z, 2) for column, s in scores.items()}
            noise = [z[column] for column in frame if column.startswith("noise")]
            yield {
                "figure": "screening",
                "by": name,
                "rows": rows,
                "groups": groups,
                "least_noise_z": min(noise),
                "largest_noise_z": max(noise),
                "between_z": z["between"],
                "within_z": z["within"],
                "ms_on_first_rung": round(1e3 * of_first / len(z), 2),
                "ms_on_last_rung": round(1e3 * of_last / len(z), 2),
                "rows_of_last_rung": min(rows, RUNGS[sample.last_rung]),
            }


def models(metric: str, n: int, tails: bool, gain: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """(n, 1) targets, and predictions of two models whose errors are alike but for `gain`; `tails`: of a target with a
    long tail, or of one positive in twelve rows."""
    if metric == "rmse":
        signal = rng.normal(size=n)
        y = signal + rng.normal(size=n) * (np.exp(0.8 * signal) if tails else 1.0)
        y = np.sign(y) * np.abs(y) ** (1.5 if tails else 1.0)
        one, other = (0.5 * signal + 0.3 * y.std() * rng.normal(size=n) for _ in range(2))
        return y[:, None], one[:, None], (other + gain * (y - other))[:, None]
    signal, offset = 1.5 * rng.normal(size=n), -np.log(11) if tails else 0.0
    y = (rng.random(n) < 1 / (1 + np.exp(-signal - offset))).astype(float)
    one, other = (0.5 * signal + g * signal + 0.6 * rng.normal(size=n) + offset for g in (0.0, gain))
    return y[:, None], 1 / (1 + np.exp(-one))[:, None], 1 / (1 + np.exp(-other))[:, None]


def comparisons(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Shares of significant comparisons. 96 rows are those held out of a screening of 240."""
    for metric, problem in PROBLEMS.items():
        for tails in (False, True):
            for n in (80, 120, 200, 400, 1000):
                for what, gain in (("level", 0.0), ("power", 0.06 if metric == "rmse" else 0.35)):
                    rng = np.random.default_rng(options.seed)
                    p = []
                    for _ in range(options.repetitions):
                        y, one, other = models(metric, n, tails, gain, rng)
                        if np.ptp(y) > 0:
                            every = np.ones(n, dtype=bool)
                            p.append(paired(get_metric(metric), problem, y, one, other, every).p_value)
                    shares = {name: round(float(np.mean(np.array(p) < at)), 4) for name, at in LEVELS.items()}
                    yield {"figure": what, "metric": metric, "long_tails": tails, "rows": n, **shares, "of": len(p)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["screening", "comparisons"], default=["screening", "comparisons"])
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--label", default="", help="noted with each figure, such as the commit")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "test_power.jsonl")
    options = parser.parse_args()
    for figures in options.only:
        for row in {"screening": screening, "comparisons": comparisons}[figures](options):
            with options.results.open("a") as file:
                file.write(json.dumps({"label": options.label, "seed": options.seed, **row}) + "\n")
            print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
